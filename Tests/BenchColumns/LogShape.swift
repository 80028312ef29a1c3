import LogModel

/// Kinds of log lines, each written by a seeded generator.
package enum LogShape: String, CaseIterable, Sendable {
    case spring, nginx, json, logfmt, hadoop, zookeeper, kubernetes, traces, requests
    case uuids, base64, hex, integers, table, settings, sql, prose, short, long, binary

    /// Appends one line, without a newline at its end.
    func write(_ now: Int64, to line: inout LineMaker) {
        switch self {
        case .spring: Self.spring(now, &line)
        case .nginx: Self.nginx(now, &line)
        case .json: Self.json(now, &line)
        case .logfmt: Self.logfmt(now, &line)
        case .hadoop: Self.hadoop(now, &line)
        case .zookeeper: Self.zookeeper(now, &line)
        case .kubernetes: Self.kubernetes(now, &line)
        case .traces: Self.traces(now, &line)
        case .requests: Self.requests(now, &line)
        case .sql: Self.sql(&line)
        default: writeDense(to: &line)
        }
    }

    private static func clock(
        _ now: Int64, _ mark: String, _ point: String, _ line: inout LineMaker
    ) {
        let time = CivilTime(now)
        line.text("\(time.date)\(mark)\(time.clock)\(point)")
        line.padded(time.nanosecond / 1_000_000, 3)
    }

    private static func spring(_ now: Int64, _ line: inout LineMaker) {
        clock(now, "T", ".", &line)
        line.text("+00:00 ")
        line.pick([" INFO", " INFO", " INFO", " WARN", "DEBUG", "ERROR"])
        line.text(" 1206 --- [order-api] [nio-8080-exec-")
        line.number(1...64)
        line.text("] [")
        line.hex(32)
        line.text("-")
        line.hex(16)
        line.text("] ")
        line.pick([
            "c.e.order.OrderService  ", "c.e.order.api.Controller", "o.h.SQL                 ",
        ])
        line.text(" : ")
        switch line.draw(0...4) {
        case 0:
            line.text("주문 생성 완료 orderId=")
            line.number(1_000_000...9_999_999)
            line.text(" userId=")
            line.number(1...20_000)
            line.text(" elapsed=")
            line.number(1...900)
            line.text("ms")
        case 1:
            line.text("select o1_0.id,o1_0.status from orders o1_0 where o1_0.user_id=")
            line.number(1...20_000)
        case 2:
            line.text("재고 차감 productId=")
            line.number(1...20_000)
            line.text(" txId=")
            line.hex(32)
        case 3:
            line.text("cache miss key=cart:")
            line.hex(12)
        default: line.text("payment accepted")
        }
    }

    private static func nginx(_ now: Int64, _ line: inout LineMaker) {
        let time = CivilTime(now)
        let months = ["Aug", "Sep", "Oct", "Nov", "Dec"]
        line.address()
        line.text(" - - [")
        line.padded(time.day, 2)
        line.text("/\(months[time.month % 5])/")
        line.padded(time.year, 4)
        line.text(":\(time.clock) +0000] \"")
        line.pick(["GET", "GET", "POST", "PUT"])
        line.pick([" /", " /api/v1/orders/", " /api/v1/users/", " /static/app."])
        line.number(1...50_000)
        line.text(" HTTP/1.1\" ")
        line.pick(["200", "200", "200", "201", "304", "404", "500"])
        line.text(" ")
        line.number(0...60_000)
        line.text(" \"-\" \"")
        line.pick(["curl/8.5.0", "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0"])
        line.text("\" rt=0.")
        line.padded(line.draw(0...999), 3)
    }

    private static func json(_ now: Int64, _ line: inout LineMaker) {
        line.text("{\"@timestamp\":\"")
        clock(now, "T", ".", &line)
        line.text("Z\",\"@version\":\"1\",\"message\":\"")
        line.pick(["order placed", "login accepted", "stock reserved", "payment declined"])
        line.text(" for user ")
        line.number(1...90_000)
        line.text("\",\"logger_name\":\"com.example.")
        line.pick(["order.OrderService", "user.LoginFilter", "stock.StockService"])
        line.text("\",\"thread_name\":\"http-nio-8080-exec-")
        line.number(1...32)
        line.text("\",\"level\":\"")
        line.pick(["INFO", "INFO", "WARN", "ERROR"])
        line.text("\",\"level_value\":20000,\"trace\":\"")
        line.hex(32)
        line.text("\",\"took\":")
        line.number(0...3)
        line.text(".")
        line.number(0...99_999)
        line.text("}")
    }

    private static func logfmt(_ now: Int64, _ line: inout LineMaker) {
        line.text("ts=")
        clock(now, "T", ".", &line)
        line.text("Z level=")
        line.pick(["info", "info", "warn", "error", "debug"])
        line.text(" caller=")
        line.pick(["compact.go:", "db.go:", "head.go:", "main.go:"])
        line.number(20...900)
        line.text(" component=tsdb msg=\"")
        line.pick(["write block", "head GC completed", "compact blocks", "checkpoint complete"])
        line.text("\" duration=")
        line.number(1...9)
        line.text(".")
        line.padded(line.draw(0...999_999_999), 9)
        line.text("s ulid=01")
        line.base64(8)
        line.text(" samples=")
        line.number(1...4_000_000)
    }

    private static func hadoop(_ now: Int64, _ line: inout LineMaker) {
        clock(now, " ", ",", &line)
        line.pick([" INFO", " INFO", " WARN"])
        line.text(" [")
        line.pick(["main", "IPC Server handler ", "PacketResponder "])
        line.number(0...30)
        line.text("] org.apache.hadoop.hdfs.server.datanode.DataNode: ")
        switch line.draw(0...2) {
        case 0: line.text("Received block blk_")
        case 1: line.text("BLOCK* NameSystem.addStoredBlock: blockMap updated, blk_-")
        default: line.text("Deleting block blk_")
        }
        line.number(1_000_000_000_000_000...9_000_000_000_000_000_000)
        line.text(" of size ")
        line.pick(["67108864", "3549917", "28451"])
        line.text(" from /10.251.")
        line.number(0...255)
        line.text(".")
        line.number(0...255)
        line.text(":50010")
    }

    private static func zookeeper(_ now: Int64, _ line: inout LineMaker) {
        clock(now, " ", ",", &line)
        line.pick([" - INFO  [", " - WARN  ["])
        switch line.draw(0...2) {
        case 0:
            line.text("QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181:FastLeaderElection@774] - ")
            line.text("Notification time out: ")
            line.number(1...600)
            line.text("00")
        case 1:
            line.text("NIOServerCxn.Factory:0.0.0.0/0.0.0.0:2181:NIOServerCnxn@1001] - ")
            line.text("Closed socket connection for client /10.10.34.")
            line.number(11...40)
            line.text(":")
            line.number(33_000...60_000)
            line.text(" which had sessionid 0x14f0")
            line.hex(11)
        default:
            line.text("RecvWorker:188978561024:QuorumCnxManager$RecvWorker@762] - ")
            line.text("Connection broken for id 188978561024, my id = ")
            line.number(1...3)
            line.text(", error = ")
        }
    }

    private static func kubernetes(_ now: Int64, _ line: inout LineMaker) {
        let time = CivilTime(now)
        line.pick(["I", "I", "W", "E"])
        line.padded(time.month * 100 + time.day, 4)
        line.text(" \(time.clock).")
        line.padded(time.nanosecond / 1000, 6)
        line.text("       1 ")
        line.word()
        line.text(".go:")
        line.number(20...900)
        line.text("] \"")
        line.capitalized()
        line.text(" ")
        line.wordsApart(1...4)
        line.text("\" pod=\"")
        line.word()
        line.text("/")
        line.word()
        line.text("-")
        line.hex(10)
        line.text("-")
        line.hex(5)
        line.text("\" err=\"")
        line.wordsApart(2...8)
        line.text("\"")
    }

    private static func traces(_ now: Int64, _ line: inout LineMaker) {
        clock(now, " ", ",", &line)
        line.text(" ERROR [worker-")
        line.number(1...16)
        line.text("] request ")
        line.hex(10)
        line.text(" failed\njava.lang.IllegalStateException: ")
        // One of a few dozen places in a program, each with its own frames.
        var place = ShapeRandom(seed: UInt64(line.draw(1...40)))
        for depth in 0..<Int.random(in: 8...40, using: &place) {
            let (a, b) = (place.next() % 50, place.next() % 200)
            line.text(depth == 0 ? "no order" : "\n\tat com.example.p\(a).Service\(b).")
            if depth > 0 {
                line.text("run\(place.next() % 9)(Service\(b).java:\(place.next() % 500))")
            }
        }
    }

    private static func requests(_ now: Int64, _ line: inout LineMaker) {
        clock(now, "T", ".", &line)
        line.text("Z request ")
        line.uuid()
        line.text(" started by ")
        line.word()
    }

    private static func sql(_ line: inout LineMaker) {
        line.text("SELECT ")
        for place in 0..<line.draw(3...12) {
            line.text(place == 0 ? "t" : ", t")
            line.number(0...4)
            line.text(".")
            line.word()
        }
        line.text(" FROM ")
        line.word()
        line.text(" WHERE id IN (")
        for place in 0..<line.draw(5...60) {
            if place > 0 { line.text(",") }
            line.number(1...999_999)
        }
        line.text(")")
    }
}

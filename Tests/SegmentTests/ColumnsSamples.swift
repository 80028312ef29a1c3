import LogModel

/// Lines of many kinds with their timestamps, as chunks to be encoded.
enum ColumnsSamples {
    /// Rounds of a test: a tenth of them in builds that are not optimized, which take that much
    /// longer for each.
    static func rounds(_ full: Int) -> Int {
        #if DEBUG
            full / 10
        #else
            full
        #endif
    }

    struct Lines {
        var bytes: [UInt8] = []
        var ends: [UInt32] = []
        var timestamps: [Int64] = []

        mutating func append(_ line: [UInt8], at timestamp: Int64) {
            bytes += line
            ends.append(UInt32(bytes.count))
            timestamps.append(timestamp)
        }

        func line(_ row: Int) -> ArraySlice<UInt8> {
            bytes[(row == 0 ? 0 : Int(ends[row - 1]))..<Int(ends[row])]
        }

        var rows: Int { ends.count }
    }

    enum Kind: CaseIterable { case spring, nginx, json, logfmt, text, binary, mixed }

    static func make(_ kind: Kind, rows: Int, _ random: inout SeededGenerator) -> Lines {
        var lines = Lines()
        var now: Int64 = 1_790_000_000_000_000_000
        for _ in 0..<rows {
            now += Int64.random(in: 0..<900, using: &random) * 1_000_000
            let line: [UInt8] =
                switch kind {
                case .spring: Array(spring(now, &random).utf8)
                case .nginx: Array(nginx(now, &random).utf8)
                case .json: Array(json(now, &random).utf8)
                case .logfmt: Array(logfmt(&random).utf8)
                case .text: Array(text(&random).utf8)
                case .binary: binary(&random)
                case .mixed: mixed(now, &random)
                }
            // Now and then an entry that is late, or has no time of its own.
            let isOdd = Int.random(in: 0..<200, using: &random) == 0
            lines.append(line, at: isOdd ? Int64.random(in: .min ... .max, using: &random) : now)
        }
        return lines
    }

    private static func pick<T>(_ list: [T], _ random: inout SeededGenerator) -> T {
        list[Int.random(in: 0..<list.count, using: &random)]
    }

    private static func number(_ range: ClosedRange<Int>, _ random: inout SeededGenerator) -> Int {
        Int.random(in: range, using: &random)
    }

    private static func hex(_ digits: Int, _ random: inout SeededGenerator) -> String {
        String((0..<digits).map { _ in pick(Array("0123456789abcdef"), &random) })
    }

    private static func pad(_ value: Int, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.count)) + text
    }

    private static func iso(_ now: Int64, mark: String, zone: String) -> String {
        let time = CivilTime(now + (zone.isEmpty ? 0 : 9 * Nanoseconds.hour))
        return "\(time.date)\(mark)\(time.clock)"
            + (mark == "T" ? "." : ",") + pad(time.nanosecond / 1_000_000, 3) + zone
    }

    private static func spring(_ now: Int64, _ random: inout SeededGenerator) -> String {
        let level = pick([" INFO", " WARN", "DEBUG", "ERROR"], &random)
        let logger = pick(
            ["c.h.order.OrderService    ", "c.h.order.api.Controller  ", "o.h.SQL      "], &random)
        let trace = "\(hex(32, &random))-\(hex(16, &random))"
        let message =
            switch number(0...5, &random) {
            case 0:
                "주문 생성 완료 orderId=\(number(1...9_999_999, &random)) elapsed=\(number(1...900, &random))ms"
            case 1:
                "took \(number(0...9, &random)).\(pad(number(0...999, &random), 3))s key=\(hex(12, &random))"
            case 2: "select o1_0.id from orders o1_0 where id=\(number(1...50, &random))"
            case 3:
                "remote=\(number(1...255, &random)).\(number(0...255, &random)).0.1 user \(pick(["kim", "lee", "park"], &random))"
            case 4:
                "failed\njava.lang.IllegalStateException: no \(number(1...9, &random))"
                    + (0..<number(1...5, &random)).map {
                        "\n\tat com.x.Y$\($0).run(Y.java:\(number(1...99, &random)))"
                    }.joined()
            default: "started"
            }
        return iso(now, mark: "T", zone: "+09:00")
            + " \(level) 1206 --- [app] [exec-\(number(1...32, &random))] [\(trace)] \(logger): \(message)"
    }

    private static func nginx(_ now: Int64, _ random: inout SeededGenerator) -> String {
        let time = CivilTime(now)
        let months = ["Jan", "Sep", "Oct", "Nov"]
        let stamp =
            "\(pad(time.day, 2))/\(months[max(0, time.month - 8)])/\(pad(time.year, 4)):\(time.clock) +0000"
        let path = pick(
            ["/", "/api/v1/orders", "/health", "/users/\(number(1...999, &random))"], &random)
        return "10.\(number(0...9, &random)).2.\(number(1...255, &random)) - - [\(stamp)] "
            + "\"\(pick(["GET", "PUT", "POST"], &random)) \(path) HTTP/1.1\" "
            + "\(pick([200, 200, 200, 404, 500], &random)) \(number(1...5000, &random)) rt=0.\(pad(number(0...999, &random), 3))"
    }

    private static func json(_ now: Int64, _ random: inout SeededGenerator) -> String {
        "{\"@timestamp\":\"\(iso(now, mark: "T", zone: "Z"))\",\"level\":\"\(pick(["INFO", "ERROR"], &random))\","
            + "\"user\":\(number(1...9999, &random)),\"ok\":\(pick(["true", "false"], &random)),"
            + "\"id\":\"\(hex(8, &random))-\(hex(4, &random))-\(hex(4, &random))-\(hex(4, &random))-\(hex(12, &random))\","
            + "\"v\":-\(number(0...9, &random)).5}"
    }

    private static func logfmt(_ random: inout SeededGenerator) -> String {
        "level=\(pick(["info", "warn"], &random)) msg=\"done \(number(0...99, &random))\" "
            + "seq=\(pad(number(0...99999, &random), 5)) host=node-\(number(1...3, &random)) id=\(pick(["C", "D"], &random))\(pad(number(0...999, &random), 4))"
    }

    private static func text(_ random: inout SeededGenerator) -> String {
        let words = [
            "disk", "full", "on", "node", "완료", "é", "the", "a1", "9", "x.y", "--", "  ", "\t", ":",
        ]
        return (0..<number(0...12, &random)).map { _ in pick(words, &random) }.joined(
            separator: " ")
    }

    private static func binary(_ random: inout SeededGenerator) -> [UInt8] {
        switch number(0...3, &random) {
        case 0: []
        case 1: [0, 13, 10, 0xff, 0xc3, 0x28, 0]
        default:
            (0..<number(0...80, &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        }
    }

    /// A few of each, some of them with a byte changed.
    private static func mixed(_ now: Int64, _ random: inout SeededGenerator) -> [UInt8] {
        var line: [UInt8] =
            switch number(0...5, &random) {
            case 0: Array(spring(now, &random).utf8)
            case 1: Array(nginx(now, &random).utf8)
            case 2: Array(json(now, &random).utf8)
            case 3: Array(logfmt(&random).utf8)
            case 4: Array(text(&random).utf8)
            default: binary(&random)
            }
        if !line.isEmpty, number(0...2, &random) == 0 {
            line[number(0...line.count - 1, &random)] = UInt8.random(in: 0...255, using: &random)
        }
        return line
    }
}

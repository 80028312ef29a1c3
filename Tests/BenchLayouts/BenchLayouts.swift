import LogModel
import Logback

/// Measures what an agent does with every line: whether it is a header. By a layout that was compiled
/// from a pattern, beside the automatic rule on the same lines.
@main
enum BenchLayouts {
    private static let pattern =
        "%d{yyyy-MM-dd HH:mm:ss.SSS} [%thread] %-5level %logger{36} [%X{traceId:-}] - %msg%n"
    private static let rounds = 200

    /// Four headers and a frame of a stack trace, and so on.
    private static let lines: [[UInt8]] = (0..<1000).map { number in
        guard number % 5 < 4 else {
            return Array(
                "\tat com.acme.order.OrderService.place(OrderService.java:\(number))".utf8)
        }
        return Array(
            ("2026-11-21 10:00:00.\(100 + number % 900) [http-nio-8080-exec-\(number % 9)] "
                + "INFO  c.acme.order.OrderService [ab\(number)] - order \(number) placed").utf8)
    }

    static func main() throws {
        let automatic = nanoseconds(.automatic)
        let compiled = nanoseconds(LayoutRule(compiled: try CompiledLayout(pattern)))
        print(
            "\(pattern)\nns a line: \(Int(compiled)) by its layout, \(Int(automatic)) by the automatic rule"
        )
        print("ratio \((compiled / automatic * 100).rounded() / 100)")
    }

    /// The best of some rounds.
    private static func nanoseconds(_ rule: LayoutRule) -> Double {
        var best = Duration.seconds(60)
        var headers = 0
        for _ in 0..<rounds {
            let spent = ContinuousClock().measure {
                for line in lines
                where line.withUnsafeBytes({ rule.header(of: $0, wantsLevel: true) }) != nil {
                    headers += 1
                }
            }
            best = min(best, spent)
        }
        precondition(headers == rounds * 800, "four of five lines are headers")
        return Double(best.components.attoseconds) / 1e9 / Double(lines.count)
    }
}

import Foundation
import LogModel

/// Moments and their texts. A text without a zone, and a moment without one, are of this machine's.
extension TemplateFunctions {
    static let times: [String: TemplateFunction] = [
        "__timestamp__": TemplateFunction([]) {
            .time(GoTime(nanoseconds: $0.input.timestamp, zone: .local))
        },
        "now": TemplateFunction([]) { _ in .time(now()) },
        "date": TemplateFunction([.text, .any]) { call in
            let time: GoTime
            switch call[1] {
            case .time(let given):
                time = GoTime(seconds: given.seconds, nanosecond: given.nanosecond, zone: .local)
            case .int, .int64:
                time = GoTime(seconds: call[1].integer ?? 0, nanosecond: 0, zone: .local)
            default: time = now()
            }
            return .text(GoLayout(call.string(0)).text(time))
        },
        "toDate": TemplateFunction([.text, .text]) {
            .time(GoLayout($0.string(0)).parse($0.text(1), in: .local) ?? .zero)
        },
        "toDateInZone": TemplateFunction([.text, .text, .text]) { call in
            // A zone that nobody knows is UTC.
            let zone = GoZone.named(call.string(1)) ?? .utc
            return .time(GoLayout(call.string(0)).parse(call.text(2), in: zone) ?? .zero)
        },
        "unixEpoch": TemplateFunction([.time]) { .text(String($0.time(0).seconds)) },
        "unixEpochMillis": TemplateFunction([.time]) {
            .text(String($0.time(0).seconds &* 1000 &+ Int64($0.time(0).nanosecond / 1_000_000)))
        },
        "unixEpochNanos": TemplateFunction([.time]) { .text(String($0.time(0).nanoseconds)) },
        "unixToTime": TemplateFunction([.text]) { call throws(TemplateError) in
            .time(try time(ofEpoch: call.string(0)))
        },
    ]

    private static func now() -> GoTime {
        GoTime(nanoseconds: Int64(Date().timeIntervalSince1970 * 1e6) * 1000, zone: .local)
    }

    /// Days, seconds, milliseconds, microseconds or nanoseconds, told by the number of digits.
    private static func time(ofEpoch text: String) throws(TemplateError) -> GoTime {
        guard let value = Int64(text) else {
            throw TemplateError("error calling unixToTime: unable to parse time '\(text)'")
        }
        let unit: Int64
        switch text.utf8.count {
        case 5: return GoTime(seconds: value * 86_400, nanosecond: 0, zone: .local)
        case 10: return GoTime(seconds: value, nanosecond: 0, zone: .local)
        case 13: unit = Nanoseconds.millisecond
        case 16: unit = Nanoseconds.microsecond
        case 19: unit = 1
        default:
            throw TemplateError("error calling unixToTime: unable to parse time '\(text)'")
        }
        return GoTime(nanoseconds: value &* unit, zone: .local)
    }
}

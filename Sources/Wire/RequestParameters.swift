import LogModel

/// The parameters of a request: of its form body first, then of its URL, as Go's `ParseForm`
/// orders them.
package struct RequestParameters: Sendable {
    private let pairs: [(name: String, value: String)]

    /// Errors: 400 `invalid URL escape "%zz"`.
    package init(query: String?, form: [UInt8] = []) throws(WireError) {
        pairs = try Self.split(form) + Self.split(Array((query ?? "").utf8))
    }

    private static func split(
        _ text: [UInt8]
    ) throws(WireError) -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        for part in text.split(separator: UInt8(ascii: "&")) {
            guard !part.contains(UInt8(ascii: ";")) else {
                throw .badRequest("invalid semicolon separator in query")
            }
            let equals = part.firstIndex(of: UInt8(ascii: "="))
            let name = try decode(part[..<(equals ?? part.endIndex)])
            let value = try equals.map { at throws(WireError) in try decode(part[(at + 1)...]) }
            pairs.append((name, value ?? ""))
        }
        return pairs
    }

    /// Resolves `+` and `%xx`.
    ///
    /// Errors: 400 as above.
    package static func decode(_ text: ArraySlice<UInt8>) throws(WireError) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(text.count)
        var at = text.startIndex
        while at < text.endIndex {
            switch text[at] {
            case UInt8(ascii: "+"): out.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard at + 2 < text.endIndex, let high = hex(text[at + 1]),
                    let low = hex(text[at + 2])
                else {
                    let bad = String(decoding: text[at...].prefix(3), as: UTF8.self)
                    throw .badRequest("invalid URL escape \(quoted(bad))")
                }
                out.append(high << 4 | low)
                at += 2
            default: out.append(text[at])
            }
            at += 1
        }
        return String(decoding: out, as: UTF8.self)
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }

    /// The first value under a name, "" without one.
    package subscript(name: String) -> String { pairs.first { $0.name == name }?.value ?? "" }

    /// All values under a name.
    package func all(_ name: String) -> [String] {
        pairs.filter { $0.name == name }.map(\.value)
    }

    /// `start`, `end` and `since`, with Loki's defaults: the last hour, which ends now even when
    /// `end` lies in the future.
    package func bounds(now: Timestamp) throws(WireError) -> (start: Timestamp, end: Timestamp) {
        var since = Nanoseconds.hour
        if !self["since"].isEmpty {
            since = try TimeText.prometheusDuration(self["since"]).orThrow(named: "since")
        }
        let end = try TimeText.timestamp(self["end"], default: now).orThrow(named: "end")
        let before = min(end, now).advanced(byNanoseconds: -since)
        let start = try TimeText.timestamp(self["start"], default: before).orThrow(named: "start")
        return (start, end)
    }

    /// A moment by itself; its error has no parameter's name.
    package func time(_ name: String, now: Timestamp) throws(WireError) -> Timestamp {
        try TimeText.timestamp(self[name], default: now).orThrow(named: nil)
    }

    /// A positive number.
    package func count(_ name: String, default fallback: Int) throws(WireError) -> Int {
        let value = try integer(name, default: fallback)
        guard value > 0 else { throw .badRequest("\(name) must be a positive value") }
        return value
    }

    package func integer(_ name: String, default fallback: Int) throws(WireError) -> Int {
        let text = self[name]
        guard !text.isEmpty else { return fallback }
        guard let value = Int(text) else {
            let isNumber = text.drop { $0 == "-" || $0 == "+" }.allSatisfy(\.isWholeNumber)
            throw .badRequest(
                "strconv.Atoi: parsing \(quoted(text)): "
                    + (isNumber && text.count > 10 ? "value out of range" : "invalid syntax"))
        }
        return value
    }

    package func direction() throws(WireError) -> Selection.Direction {
        switch self["direction"].uppercased() {
        case "", "BACKWARD": return .backward
        case "FORWARD": return .forward
        default: throw .badRequest("invalid direction '\(self["direction"])'")
        }
    }

    /// The step in nanoseconds; without one, a 250th of the span in whole seconds.
    package func step(start: Timestamp, end: Timestamp) throws(WireError) -> Int64 {
        guard self["step"].isEmpty else {
            let step = try TimeText.secondsOrDuration(self["step"]).orThrow(named: nil)
            guard step > 0 else {
                throw .badRequest(
                    "zero or negative query resolution step widths are not accepted. "
                        + "Try a positive integer")
            }
            return step
        }
        let span = end.nanoseconds.subtractingReportingOverflow(start.nanoseconds)
        let seconds = (span.overflow ? Int64.max : span.partialValue) / Nanoseconds.second / 250
        return max(seconds, 1) * Nanoseconds.second
    }

    /// Nanoseconds between log entries; 0 without one.
    package func interval() throws(WireError) -> Int64 {
        guard !self["interval"].isEmpty else { return 0 }
        let interval = try TimeText.secondsOrDuration(self["interval"]).orThrow(named: nil)
        guard interval >= 0 else { throw .badRequest("interval must be >= 0") }
        return interval
    }
}

extension Result where Failure == TimeText.Failure {
    /// The value, or a 400 that names the parameter when it has a name.
    fileprivate func orThrow(named name: String?) throws(WireError) -> Success {
        switch self {
        case .success(let value): return value
        case .failure(let error):
            let prefix = name.map { "could not parse '\($0)' parameter: " } ?? ""
            throw .badRequest(prefix + error.text)
        }
    }
}

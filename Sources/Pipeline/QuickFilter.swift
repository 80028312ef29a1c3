import LogModel
import LogQL

/// Label filters that look at one value, asked of its bytes: for columns that hold too many different
/// values to remember what each comes to.
enum QuickFilter {
    /// Equal to a text, or not.
    case text([UInt8], isEqual: Bool)
    case number(LabelFilter.Comparison, Double)
    case all([QuickFilter])

    /// Nil when one of them is none of these.
    init?(_ filters: [LabelFilterStage]) {
        var found: [QuickFilter] = []
        for filter in filters {
            switch filter {
            case .string(let matcher, nil) where matcher.value.utf8.allSatisfy(Self.isPlain):
                found.append(.text(Array(matcher.value.utf8), isEqual: matcher.op == .equal))
            case .number(_, let op, let bound): found.append(.number(op, bound))
            default: return nil
            }
        }
        self = found.count == 1 ? found[0] : .all(found)
    }

    /// Bytes that every parser gives as they stand.
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7f && byte != UInt8(ascii: "\\") && byte != UInt8(ascii: "\"")
    }

    /// `bytes` is nil for a row without the label.
    func verdict(_ bytes: UnsafeRawBufferPointer?) -> CodeMemo.Verdict {
        switch self {
        case .text(let wanted, let isEqual):
            guard let bytes else { return wanted.isEmpty == isEqual ? .pass : .drop }
            guard bytes.allSatisfy(Self.isPlain) else { return .unknown }
            return bytes.elementsEqual(wanted) == isEqual ? .pass : .drop
        case .number(let op, let bound):
            guard let bytes else { return .drop }
            guard let value = QuickNumber.decimal(bytes) else { return .unknown }
            return op.holds(value, bound) ? .pass : .drop
        case .all(let filters):
            for filter in filters {
                let verdict = filter.verdict(bytes)
                if verdict != .pass { return verdict }
            }
            return .pass
        }
    }
}

/// Numbers as most are written.
enum QuickNumber {
    /// Digits with a point between them, few enough that one division gives the nearest number (Clinger,
    /// "How to Read Floating Point Numbers Accurately", 1990).
    static func decimal(_ bytes: UnsafeRawBufferPointer) -> Double? {
        guard bytes.count <= 16, let first = bytes.first, isDigit(first), let last = bytes.last,
            isDigit(last)
        else { return nil }
        var number: Int64 = 0
        var scale = 1.0
        var isBehindPoint = false
        for byte in bytes {
            if byte == UInt8(ascii: "."), !isBehindPoint {
                isBehindPoint = true
                continue
            }
            guard isDigit(byte) else { return nil }
            number = number * 10 + Int64(byte - 48)
            if isBehindPoint { scale *= 10 }
        }
        return number < 1 << 53 ? Double(number) / scale : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }
}

extension LabelFilter.Comparison {
    func holds(_ value: Double, _ bound: Double) -> Bool {
        switch self {
        case .equal: value == bound
        case .notEqual: value != bound
        case .less: value < bound
        case .lessOrEqual: value <= bound
        case .greater: value > bound
        case .greaterOrEqual: value >= bound
        }
    }
}

import Bytes
import LogModel

/// `| json` on a shape: the same steps as `JSONStage` on a line. Keys must be the same in all lines;
/// holes may lie in strings, as long as they cannot end them, and may be numbers or words, which are
/// looked at row by row.
struct JSONShape {
    private let shape: LineShape
    private let demand: ParserDemand
    private var at = 0
    private var found = ShapeFields()
    private var names: Set<String> = []
    private var path: [String] = []

    /// Ends the work: what was asked for is found, or lines differ in what a parser does.
    private enum Stop: Error { case met, unsure }

    init(_ shape: LineShape, _ demand: ParserDemand) {
        self.shape = shape
        self.demand = demand
    }

    mutating func fields() -> ShapeFields? {
        do throws(Stop) {
            skipSpace()
            guard take("{") else { return nil }
            try object(depth: 1)
            skipSpace()
            return at == shape.units.count ? found : nil
        } catch { return error == .met ? found : nil }
    }

    private var byte: UInt8? { at < shape.units.count ? shape.units[at].byte : nil }

    private mutating func take(_ wanted: Unicode.Scalar) -> Bool {
        guard byte == UInt8(ascii: wanted) else { return false }
        at += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte, [0x20, 0x0a, 0x0d, 0x09].contains(byte) { at += 1 }
    }

    /// What stands behind an opening brace.
    private mutating func object(depth: Int) throws(Stop) {
        guard depth <= Limits.maxNesting else { throw .unsure }
        skipSpace()
        if take("}") { return }
        while true {
            skipSpace()
            guard take("\"") else { throw .unsure }
            path.append(try key())
            skipSpace()
            guard take(":") else { throw .unsure }
            skipSpace()
            try value(depth: depth, isField: true)
            path.removeLast()
            skipSpace()
            if take("}") { return }
            guard take(",") else { throw .unsure }
        }
    }

    /// What stands behind an opening bracket: nobody asks for it.
    private mutating func array(depth: Int) throws(Stop) {
        guard depth <= Limits.maxNesting else { throw .unsure }
        skipSpace()
        if take("]") { return }
        while true {
            skipSpace()
            try value(depth: depth, isField: false)
            skipSpace()
            if take("]") { return }
            guard take(",") else { throw .unsure }
        }
    }

    /// In an array objects have keys, but no fields.
    private mutating func value(depth: Int, isField: Bool) throws(Stop) {
        if take("{") {
            if isField { return try object(depth: depth + 1) }
            throw .unsure
        }
        if take("[") { return try array(depth: depth + 1) }
        if take("\"") {
            let (range, isPlain) = try string()
            guard isField, let name = label else { return }
            guard isPlain else { throw .unsure }
            return try note(ShapeField(name: name, value: range))
        }
        let start = at
        let isNull = try scalar()
        guard isField, !isNull, let name = label else { return }
        try note(ShapeField(name: name, value: start..<at))
    }

    /// The label of the key at hand, if anybody wants it.
    private var label: String? {
        let name = path.reduce(into: "") { $0 += $0.isEmpty ? $1 : "_" + $1 }
        return !name.isEmpty && demand.wants(name) ? name : nil
    }

    private mutating func note(_ field: ShapeField) throws(Stop) {
        // An error is no label that was found.
        guard field.name != RowLabels.error, field.name != RowLabels.errorDetails else {
            throw .unsure
        }
        found.fields.append(field)
        names.insert(field.name)
        if demand.isMet(by: names) { throw .met }
    }

    /// A key behind its quote, as a part of a label's name.
    private mutating func key() throws(Stop) -> String {
        var bytes: [UInt8] = []
        while let byte, byte != UInt8(ascii: "\"") {
            guard byte != UInt8(ascii: "\\") else { throw .unsure }
            bytes.append(byte)
            at += 1
        }
        guard take("\"") else { throw .unsure }
        let text = String(decoding: bytes, as: UTF8.self)
        if bytes.withUnsafeBytes(isPlainName) { return text }
        // Bytes that are no text are a matter of their own.
        guard bytes.allSatisfy({ $0 < 0x80 }) else { throw .unsure }
        return sanitized(text.trimmingBlanks)
    }

    /// A string behind its quote; plain when its text is its bytes.
    private mutating func string() throws(Stop) -> (range: Range<Int>, isPlain: Bool) {
        let start = at
        var isPlain = true
        while at < shape.units.count {
            let unit = shape.units[at]
            at += 1
            if let number = unit.hole {
                let bytes = shape.holes[number].bytes
                guard !bytes.contains(UInt8(ascii: "\"")), !bytes.contains(UInt8(ascii: "\\"))
                else { throw .unsure }
            } else if unit == .byte(UInt8(ascii: "\"")) {
                return (start..<at - 1, isPlain)
            } else if unit == .byte(UInt8(ascii: "\\")) {
                isPlain = false
                guard byte != nil else { throw .unsure }
                at += 1
            }
        }
        throw .unsure
    }

    /// A number or a word; true for null.
    private mutating func scalar() throws(Stop) -> Bool {
        if let hole = at < shape.units.count ? shape.units[at].hole : nil {
            at += 1
            // The hole must be all of it, and no other value.
            guard let byte, Self.ends.contains(byte), shape.holes[hole].isReadable,
                Self.maySpell(shape.holes[hole].bytes)
            else { throw .unsure }
            found.scalars.append(hole)
            return false
        }
        var text: [UInt8] = []
        while let byte, !Self.ends.contains(byte) {
            text.append(byte)
            at += 1
        }
        guard at < shape.units.count, shape.units[at].byte != nil else { throw .unsure }
        if text == Array("null".utf8) { return true }
        guard text.withUnsafeBytes(Self.isScalar) else { throw .unsure }
        return false
    }

    /// What stands behind a number or a word.
    private static let ends: Set<UInt8> = Set(",}] \n\r\t".utf8)
    private static let spelled: Set<UInt8> = Set("0123456789+-.eEtrufals".utf8)

    private static func maySpell(_ bytes: ByteSet) -> Bool {
        (0...UInt8.max).allSatisfy { !bytes.contains($0) || spelled.contains($0) }
    }

    /// True for what the parser takes as a value that has a text: a number, true or false.
    static func isScalar(_ bytes: UnsafeRawBufferPointer) -> Bool {
        // By far the most are whole numbers.
        if let first = bytes.first, first != UInt8(ascii: "0") || bytes.count == 1,
            bytes.allSatisfy({ $0 &- 48 < 10 })
        {
            return true
        }
        var reader = JSONReader(bytes, maxNesting: 1)
        do throws(BytesError) {
            switch try reader.next() {
            case .number(let range): return range == 0..<bytes.count
            case .true, .false: return try reader.next() == .end
            default: return false
            }
        } catch { return false }
    }
}

/// A set of bytes.
package struct ByteSet: Sendable, Hashable {
    private var words: SIMD4<UInt64> = .zero

    package init() {}

    package mutating func insert(_ byte: UInt8) {
        words[Int(byte >> 6)] |= 1 << UInt64(byte & 63)
    }

    package mutating func formUnion(_ other: ByteSet) { words |= other.words }

    package func contains(_ byte: UInt8) -> Bool {
        words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 == 1
    }

    package func isDisjoint(with other: ByteSet) -> Bool { words & other.words == .zero }

    package func isSubset(of other: ByteSet) -> Bool { words & ~other.words == .zero }
}

/// What lines of one kind have in common: bytes that all of them have, and holes between.
package struct LineShape: Sendable {
    /// A byte, or a hole by its number: half a million of them are made for one query.
    package struct Unit: Sendable, Hashable {
        private let code: UInt16

        package static func byte(_ byte: UInt8) -> Unit { Unit(code: UInt16(byte)) }
        package static func hole(_ number: Int) -> Unit {
            Unit(code: 256 + UInt16(truncatingIfNeeded: number))
        }

        package var byte: UInt8? { code < 256 ? UInt8(truncatingIfNeeded: code) : nil }
        package var hole: Int? { code < 256 ? nil : Int(code) - 256 }
    }

    package struct Hole: Sendable {
        /// Bytes that may occur in it.
        package var bytes: ByteSet
        /// Its shortest value.
        package var shortest: Int
        /// False when a value can only be had with its line.
        package var isReadable: Bool

        package init(bytes: ByteSet, shortest: Int, isReadable: Bool) {
            self.bytes = bytes
            self.shortest = shortest
            self.isReadable = isReadable
        }
    }

    package var units: [Unit]
    package var holes: [Hole]

    package init(units: [Unit], holes: [Hole]) {
        self.units = units
        self.holes = holes
    }
}

/// A value of a hole, good as long as the call that gives it.
package struct FieldValue {
    package var bytes: UnsafeRawBufferPointer
    /// Equal values of one column have the same code; -1 where that is not told.
    package var code: Int

    package init(bytes: UnsafeRawBufferPointer, code: Int) {
        self.bytes = bytes
        self.code = code
    }
}

/// Takes the rows of a unit as values of holes, without their lines.
package protocol FieldReader: AnyObject {
    /// A run of rows begins: numbers of shapes and codes of values begin anew. `sets` are those that
    /// rows have as metadata, `streams` the number of each one's stream in the unit; empty when the unit
    /// has but one.
    func begin(metadata sets: [Labels], streams: [UInt32])

    /// What is wanted of the rows of a shape; nil when they are wanted as lines. Shapes that are not
    /// are numbered from 0 in the order in which they are asked for.
    ///
    /// `number` stands for one shape, but for the columns of its holes, in all runs: what was found out about
    /// it is good wherever it comes again.
    /// `columns` has the column of each hole: holes of one column, in whatever shape, have the same codes
    /// for the same values. The shape itself is made when somebody wants to look at it: most were seen
    /// before.
    func wanted(
        of number: Int, columns: UnsafeBufferPointer<Int32>, _ shape: () -> LineShape
    ) -> WantedFields?

    /// One row of a shape with the values that are wanted.
    func take(
        shape: Int, timestamp: Int64, metadata: Int, _ values: UnsafeBufferPointer<FieldValue>
    ) -> FieldTaking

    /// Rows that are given as lines.
    func take(_ entries: Entries)
}

/// What a reader says of a row.
package enum FieldTaking {
    case taken
    /// Every row of the shape, and of those with its number of verdicts, that has the same deciding
    /// value may be left out from now on.
    case unwanted
    /// Its values are not enough: the row is wanted as a line.
    case asLine
}

/// What a reader wants of the rows of a shape.
package struct WantedFields {
    /// Holes, ascending.
    package var holes: [Int]
    /// The place among them of the value that decides whether a row is wanted at all.
    package var decider: Int?
    /// Shapes with one number are left out by the same values of one column; nil: what this one is left
    /// out by tells nothing of others.
    package var verdicts: Int?
    /// No row is wanted, whatever its values.
    package var isNone = false

    package init(holes: [Int], decider: Int?) {
        self.holes = holes
        self.decider = decider
    }
}

import CScan

/// Sets of bytes that stand side by side, ready to be searched for: of each place what may be there.
///
/// @unchecked: the tables do not change once they are made.
package final class ByteSetSearch: @unchecked Sendable {
    /// Places that are looked at.
    private static let mostPlaces = 8
    /// A search finds a place in so many bytes of text at most: where there are more, what it is searched
    /// for may as well be looked for in all of it.
    private static let fewestBetween = 16.0
    /// Bytes that text is mostly made of.
    private static let printed: ClosedRange<UInt8> = 0x20...0x7e

    /// In bytes.
    package let length: Int
    private let sets: UnsafeMutablePointer<cscan_sets>

    /// Nil when text of most kinds would be full of them.
    package init?(_ places: [Set<UInt8>]) {
        let places = places.prefix(Self.mostPlaces)
        let shares = places.map { set in
            Double(set.count { Self.printed.contains($0) }) / Double(Self.printed.count)
        }
        guard !places.isEmpty, shares.reduce(1, *) * Self.fewestBetween <= 1 else { return nil }
        length = places.count
        sets = .allocate(capacity: 1)
        sets.initialize(to: cscan_sets())
        sets.pointee.length = places.count
        withUnsafeMutableBytes(of: &sets.pointee.places) { masks in
            for (place, set) in places.enumerated() {
                for byte in set { masks[Int(byte)] |= 1 << UInt8(place) }
            }
        }
        let rarest = shares.indices.filter { shares[$0] < 1 }.sorted { shares[$0] < shares[$1] }
        for place in rarest { cscan_sets_look_at(sets, place) }
    }

    deinit { sets.deallocate() }

    /// Offset of the first place from `from` on where they stand.
    package func find(in text: UnsafeRawBufferPointer, from: Int = 0) -> Int? {
        guard from >= 0, text.count - from >= length, let base = text.baseAddress else {
            return nil
        }
        let start = base.assumingMemoryBound(to: UInt8.self) + from
        let at = cscan_find_sets(start, text.count - from, sets)
        // CSCAN_NOT_FOUND is no Int.
        return at < 0 ? nil : from + at
    }
}

import Foundation

/// One name and its value.
package struct Label: Hashable, Comparable, Sendable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    /// By bytes of the name, then of the value, as Go sorts strings.
    package static func < (a: Label, b: Label) -> Bool {
        if a.name == b.name { return a.value.precedesByBytes(b.value) }
        return a.name.precedesByBytes(b.name)
    }

    /// By bytes: `String`'s own `==` takes composed and decomposed characters as equal, and two
    /// streams would become one.
    package static func == (a: Label, b: Label) -> Bool {
        a.value.hasSameBytes(as: b.value) && a.name.hasSameBytes(as: b.name)
    }

    package func hash(into hasher: inout Hasher) {
        name.hashBytes(into: &hasher)
        value.hashBytes(into: &hasher)
    }
}

extension String {
    /// True when both are the same bytes of UTF-8.
    package func hasSameBytes(as other: String) -> Bool {
        let same = utf8.withContiguousStorageIfAvailable { a in
            other.utf8.withContiguousStorageIfAvailable { b in
                guard a.count == b.count else { return false }
                guard let a = a.baseAddress, let b = b.baseAddress else { return true }
                return memcmp(a, b, utf8.count) == 0
            }
        }
        return (same ?? nil) ?? utf8.elementsEqual(other.utf8)
    }

    /// The order of Go's strings.
    package func precedesByBytes(_ other: String) -> Bool {
        let known = utf8.withContiguousStorageIfAvailable { a in
            other.utf8.withContiguousStorageIfAvailable { b in
                guard let start = a.baseAddress, let end = b.baseAddress else {
                    return a.count < b.count
                }
                let order = memcmp(start, end, min(a.count, b.count))
                return order == 0 ? a.count < b.count : order < 0
            }
        }
        return (known ?? nil) ?? utf8.lexicographicallyPrecedes(other.utf8)
    }

    fileprivate func hashBytes(into hasher: inout Hasher) {
        let done: Void? = utf8.withContiguousStorageIfAvailable {
            hasher.combine(bytes: UnsafeRawBufferPointer($0))
        }
        if done == nil { for byte in utf8 { hasher.combine(byte) } }
        hasher.combine(UInt8(0xff))
    }
}

/// A set of labels: sorted by name, names unique, no empty value. Two sets that print alike are
/// equal. A stream is named by its set.
package struct Labels: Hashable, Sendable {
    package let pairs: [Label]

    package static let empty = Labels(sorted: [])

    /// Takes pairs that are already sorted, unique and non-empty.
    package init(sorted pairs: [Label]) { self.pairs = pairs }

    /// Sorts; drops empty values; of equal names the last one given wins.
    package init(_ unsorted: [Label]) {
        var latest: [Label]
        if unsorted.count <= Self.fewLabels {
            latest = []
            latest.reserveCapacity(unsorted.count)
            for label in unsorted {
                if let place = latest.firstIndex(where: { $0.name == label.name }) {
                    latest[place] = Label(latest[place].name, label.value)
                } else {
                    latest.append(label)
                }
            }
        } else {
            var values: [String: String] = [:]
            values.reserveCapacity(unsorted.count)
            for label in unsorted { values[label.name] = label.value }
            latest = values.map { Label($0.key, $0.value) }
        }
        latest.removeAll { $0.value.isEmpty }
        latest.sort()
        pairs = latest
    }

    /// Up to here names are compared one by one, for which no table need be made.
    private static let fewLabels = 12

    package init(_ dictionary: [String: String]) {
        self.init(dictionary.map { Label($0.key, $0.value) })
    }

    /// Where the pairs lie in memory. Sets of one place are the same as long as one of them lives; the
    /// same set may lie in several places.
    package var place: UInt { pairs.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) } }

    package var isEmpty: Bool { pairs.isEmpty }
    package var count: Int { pairs.count }

    /// The value under a name; nil when the set has no such label.
    package subscript(name: String) -> String? {
        for label in pairs where label.name == name { return label.value }
        return nil
    }

    /// Both sets; should they share a name, it is there twice.
    package func merging(_ other: Labels) -> Labels {
        if other.isEmpty { return self }
        if isEmpty { return other }
        var merged: [Label] = []
        merged.reserveCapacity(count + other.count)
        var next = 0
        for label in pairs {
            while next < other.count, other.pairs[next].name.precedesByBytes(label.name) {
                merged.append(other.pairs[next])
                next += 1
            }
            merged.append(label)
        }
        return Labels(sorted: merged + other.pairs[next...])
    }

    /// FNV-1a over names and values with separators: stable across runs, machines and versions,
    /// because segments until format version 5 store it.
    package var fingerprint: UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        for label in pairs {
            for byte in label.name.utf8 { mix(byte) }
            mix(0xff)
            for byte in label.value.utf8 { mix(byte) }
            mix(0xfe)
        }
        return hash
    }
}

/// Numbers runs of bytes in the order in which they first come: equal ones have one number.
///
/// A hash table with open addressing over one arena. The hash multiplies eight bytes at a time by a
/// secret of the table's own, so that nobody can make up runs that all fall into one place.
package final class ByteTable {
    private struct Slot: BitwiseCopyable {
        /// Half of the hash, which tells most other runs apart.
        var tag: UInt32 = 0
        /// Number of a run + 1; 0 where none is.
        var place: UInt32 = 0
    }

    private static let firstSlots = 64

    @exclusivity(unchecked) private var arena: [UInt8] = []
    /// Where the first run begins, and where each ends in the arena.
    @exclusivity(unchecked) private var edges = [0]
    /// A power of two of them, at most half of them taken.
    @exclusivity(unchecked) private var slots: UnsafeMutableBufferPointer<Slot>
    private let seed = UInt64.random(in: 0 ... .max)
    private let factor = UInt64.random(in: 0 ... .max) | 1

    package init() { slots = Self.slots(Self.firstSlots) }

    deinit { slots.deallocate() }

    private static func slots(_ count: Int) -> UnsafeMutableBufferPointer<Slot> {
        let slots = UnsafeMutableBufferPointer<Slot>.allocate(capacity: count)
        slots.initialize(repeating: Slot())
        return slots
    }

    package var count: Int { edges.count - 1 }
    /// Of all runs together.
    package var bytes: Int { arena.count }

    /// Nil for a run that has not come.
    package func number(of run: UnsafeRawBufferPointer) -> Int? {
        let place = slots[slot(of: run, hash(run))].place
        return place == 0 ? nil : Int(place) - 1
    }

    /// The number of a run, which is the next free one when it has not come before.
    @discardableResult
    package func insert(_ run: UnsafeRawBufferPointer) -> Int {
        let hash = hash(run)
        let slot = slot(of: run, hash)
        if slots[slot].place != 0 { return Int(slots[slot].place) - 1 }
        arena.append(contentsOf: run)
        edges.append(arena.count)
        slots[slot] = Slot(tag: Self.tag(hash), place: UInt32(count))
        if count * 2 > slots.count { grow() }
        return count - 1
    }

    @inline(__always)
    private static func tag(_ hash: UInt64) -> UInt32 { UInt32(hash >> 32) }

    /// The slot that has the run, or the free one where it belongs.
    @inline(__always)
    private func slot(of run: UnsafeRawBufferPointer, _ hash: UInt64) -> Int {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot].place != 0 {
            if slots[slot].tag == Self.tag(hash), holds(Int(slots[slot].place) - 1, run) {
                return slot
            }
            slot = (slot + 1) & mask
        }
        return slot
    }

    private func holds(_ number: Int, _ run: UnsafeRawBufferPointer) -> Bool {
        let range = edges[number]..<edges[number + 1]
        return arena.withUnsafeBytes {
            UnsafeRawBufferPointer(rebasing: $0[range]).isSame(as: run)
        }
    }

    private func grow() {
        let larger = Self.slots(slots.count * 4)
        for number in 0..<count {
            let range = edges[number]..<edges[number + 1]
            let hash = arena.withUnsafeBytes { arena -> UInt64 in
                self.hash(UnsafeRawBufferPointer(rebasing: arena[range]))
            }
            var slot = Int(truncatingIfNeeded: hash) & (larger.count - 1)
            while larger[slot].place != 0 { slot = (slot + 1) & (larger.count - 1) }
            larger[slot] = Slot(tag: Self.tag(hash), place: UInt32(number + 1))
        }
        slots.deallocate()
        slots = larger
    }

    @inline(__always)
    private func hash(_ run: UnsafeRawBufferPointer) -> UInt64 {
        var hash = seed ^ UInt64(run.count)
        var at = 0
        while at + 8 <= run.count {
            hash = mixed(hash ^ run.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            at += 8
        }
        var rest: UInt64 = 0
        while at < run.count {
            rest = rest << 8 | UInt64(run[at])
            at += 1
        }
        return mixed(hash ^ rest)
    }

    @inline(__always)
    private func mixed(_ value: UInt64) -> UInt64 {
        let (high, low) = value.multipliedFullWidth(by: factor)
        return high ^ low
    }
}

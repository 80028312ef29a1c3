extension [Int64] {
    /// Leaves the `count` smallest of the numbers, in no order: in time proportional to how many there are,
    /// whatever they are, as numbers are parted at ones chosen by chance (Hoare's FIND, in CACM 4, 1961).
    package mutating func leaveSmallest(_ count: Int) {
        guard count < self.count else { return }
        guard count > 0 else { return removeAll() }
        withUnsafeMutableBufferPointer { numbers in
            // Those in front are smaller, those behind are larger.
            var (low, high) = (0, numbers.count)
            while high - low > 1 {
                let pivot = numbers[Int.random(in: low..<high)]
                var (below, next, above) = (low, low, high)
                while next < above {
                    if numbers[next] < pivot {
                        numbers.swapAt(below, next)
                        below += 1
                        next += 1
                    } else if numbers[next] > pivot {
                        above -= 1
                        numbers.swapAt(next, above)
                    } else {
                        next += 1
                    }
                }
                if count < below {
                    high = below
                } else if count > above {
                    low = above
                } else {
                    break
                }
            }
        }
        removeLast(self.count - count)
    }
}

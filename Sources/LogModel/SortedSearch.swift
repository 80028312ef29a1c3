extension RandomAccessCollection where Index == Int {
    /// Index of the first element that `isBelow` does not hold for, in a collection where those that it
    /// holds for come first.
    ///
    /// Inlinable, because other modules would call it unspecialized, at ten times the cost.
    @inlinable package func partition(_ isBelow: (Element) -> Bool) -> Int {
        var low = startIndex
        var high = endIndex
        while low < high {
            let middle = (low + high) / 2
            if isBelow(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension Array {
    /// Index of the first element that `isBelow` does not hold for, in an array where those that it
    /// holds for come first.
    package func partition(_ isBelow: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isBelow(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

import Query
import Testing

@Suite struct SmallestNumbersTests {
    /// Whatever the numbers are: in order, against it, all the same, a few, or any.
    @Test func theSmallestAreLeft() {
        var state: UInt64 = 7
        func next() -> Int64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int64(bitPattern: state >> 20)
        }
        for count in [0, 1, 2, 3, 10, 1000, 5000] {
            let kinds: [[Int64]] = [
                Array(0..<Int64(count)), (0..<Int64(count)).reversed(),
                Array(repeating: 3, count: count), (0..<count).map { Int64($0 % 4) },
                (0..<count).map { _ in next() }, (0..<count).map { _ in next() % 50 - 25 },
                (0..<count).map { $0 % 2 == 0 ? .min : .max },
            ]
            for numbers in kinds {
                for most in [0, 1, 2, count / 3, count, count + 1] {
                    var left = numbers
                    left.leaveSmallest(most)
                    #expect(left.sorted() == Array(numbers.sorted().prefix(most)))
                }
            }
        }
    }
}

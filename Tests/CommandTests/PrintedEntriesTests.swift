import LogModel
import Testing
import cordwood

@Suite struct PrintedEntriesTests {
    private func entry(_ time: Int64, _ line: String, host: String = "a") -> PrintedEntry {
        PrintedEntry(
            timestamp: time, labels: Labels([Label("host", host)]), line: Array(line.utf8))
    }

    @Test func knowsAgainWhatItHasTaken() {
        var printed = PrintedEntries()
        let first = [entry(1, "x"), entry(1, "x"), entry(1, "x", host: "b"), entry(2, "x")]
        printed.begin()
        #expect(first.allSatisfy { printed.take($0) })
        // Another order, one twin more, one line more.
        printed.begin()
        let second = [entry(2, "x"), entry(1, "x", host: "b"), entry(1, "x"), entry(1, "x")]
        #expect(second.allSatisfy { !printed.take($0) })
        let another = printed.take(entry(1, "x"))
        #expect(another)
        let more = printed.take(entry(1, "y"))
        #expect(more)
    }

    @Test func memoryHasAnEnd() {
        var printed = PrintedEntries()
        printed.begin()
        for time in 0..<Int64(PrintedEntries.most) { _ = printed.take(entry(time, "x")) }
        let isFull = printed.forget(before: 0)
        #expect(!isFull)
        _ = printed.take(entry(Int64(PrintedEntries.most), "x"))
        let hasForgotten = printed.forget(before: 0)
        #expect(hasForgotten)
        // What is behind the floor is still known.
        let floor = printed.floor
        #expect(floor > 0 && floor < Int64(PrintedEntries.most))
        printed.begin()
        let repeated = printed.take(entry(floor, "x"))
        #expect(!repeated)
    }
}

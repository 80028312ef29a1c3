import LogModel
import Query

/// The rows of an answer by their streams. Dashboards ask for a thousand rows of as many streams.
struct ResultStreams {
    /// Of each stream, in the order in which rows name them first.
    private(set) var labels: [Labels] = []
    /// The streams in the order of their labels' text.
    let byText: [Int]
    /// Of each stream its first row and its last.
    private var ends: [(first: Int, last: Int)] = []
    /// Of each row the next one of its stream, or -1.
    private var next: [Int]

    /// `categorizes`: streams have their stored labels only.
    init(_ rows: [LogRow], categorizes: Bool) {
        next = Array(repeating: -1, count: rows.count)
        var numbers: [Labels: Int] = [:]
        // Growing would hash every set again.
        numbers.reserveCapacity(rows.count)
        for (index, row) in rows.enumerated() {
            let labels = categorizes ? row.labels.stream : row.labels.merged
            if let number = numbers[labels] {
                next[ends[number].last] = index
                ends[number].last = index
            } else {
                numbers[labels] = self.labels.count
                self.labels.append(labels)
                ends.append((index, index))
            }
        }
        let texts = labels.map(\.description)
        byText = labels.indices.sorted { texts[$0].precedesByBytes(texts[$1]) }
    }

    /// Of a stream, in their order.
    func rows(of stream: Int) -> some Sequence<Int> {
        sequence(first: ends[stream].first) { next[$0] < 0 ? nil : next[$0] }
    }
}

import Foundation
import LogModel
import Pipeline
import Query

/// The rows of an answer by their streams. Dashboards ask for a thousand rows of as many streams.
struct ResultStreams {
    /// In the order of their text.
    private(set) var labels: [Labels] = []
    /// The rows of each stream side by side, in their order.
    private let rows: [Int]
    /// Of each stream where its rows begin, and the end of all.
    private var starts: [Int]

    /// `categorizes`: streams have their stored labels only.
    init(_ rows: [LogRow], categorizes: Bool) {
        var sets = LabelTexts()
        // Rows of one stream mostly share their labels: where those lie is found sooner than what they say,
        // and no sender can choose it.
        var known: [LabelsPlace: Int] = [:]
        known.reserveCapacity(rows.count)
        let setOfRow = rows.map { row in
            let place = LabelsPlace(row.labels, categorizes: categorizes)
            if let set = known[place] { return set }
            known[place] = sets.count
            return sets.add(categorizes ? row.labels.stream : row.labels.merged)
        }
        var streamOfSet = [Int](repeating: 0, count: sets.count)
        var last: Int?
        for set in sets.inOrder {
            if last.map({ sets.areSame($0, set) }) != true { labels.append(sets[set]) }
            streamOfSet[set] = labels.count - 1
            last = set
        }
        starts = Array(repeating: 0, count: labels.count + 1)
        for set in setOfRow { starts[streamOfSet[set] + 1] += 1 }
        for stream in labels.indices { starts[stream + 1] += starts[stream] }
        var next = starts
        var inOrder = [Int](repeating: 0, count: rows.count)
        for (row, set) in setOfRow.enumerated() {
            let stream = streamOfSet[set]
            inOrder[next[stream]] = row
            next[stream] += 1
        }
        self.rows = inOrder
    }

    /// Of a stream, in their order.
    func rows(of stream: Int) -> ArraySlice<Int> { rows[starts[stream]..<starts[stream + 1]] }
}

/// Where the labels of a row lie in memory: those that lie in one place are the same.
private struct LabelsPlace: Hashable {
    private let stream: UInt
    private let metadata: UInt
    private let parsed: UInt

    init(_ labels: ResultLabels, categorizes: Bool) {
        stream = labels.stream.place
        metadata = categorizes ? 0 : labels.metadata.place
        parsed = categorizes ? 0 : labels.parsed.place
    }
}

/// Label sets with their text, one text behind the other.
private struct LabelTexts {
    private var sets: [Labels] = []
    private var text: [UInt8] = []
    private var ends: [Int] = [0]

    var count: Int { sets.count }
    subscript(set: Int) -> Labels { sets[set] }

    /// Gives the number of the set.
    mutating func add(_ labels: Labels) -> Int {
        sets.append(labels)
        labels.appendText(to: &text)
        ends.append(text.count)
        return sets.count - 1
    }

    /// In the order of their text.
    var inOrder: [Int] {
        withOrder { order in sets.indices.sorted { order($0, $1) < 0 } }
    }

    func areSame(_ a: Int, _ b: Int) -> Bool { withOrder { $0(a, b) == 0 } }

    /// Gives `body` what is below, at or above 0, as `memcmp` has it, for two sets. Nothing is counted or checked
    /// while it runs: a sort asks ten times for each.
    private func withOrder<R>(_ body: ((Int, Int) -> Int) -> R) -> R {
        text.withUnsafeBytes { text in
            ends.withUnsafeBufferPointer { ends in
                body { a, b in
                    guard let start = text.baseAddress else { return 0 }
                    let (sizeA, sizeB) = (ends[a + 1] - ends[a], ends[b + 1] - ends[b])
                    let order = memcmp(start + ends[a], start + ends[b], min(sizeA, sizeB))
                    return order == 0 ? sizeA - sizeB : Int(order)
                }
            }
        }
    }
}

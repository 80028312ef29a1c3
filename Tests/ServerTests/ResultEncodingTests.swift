import Foundation
import LogModel
import Query
import Server
import Testing

@Suite struct Results {
    /// An answer up to its statistics.
    private func encode(_ value: QueryValue, flags: [String] = []) -> String {
        let text = String(
            decoding: ResultEncoding.encode(value, QueryStats(), flags: flags), as: UTF8.self)
        let parts = text.split(separator: ",\"stats\":", maxSplits: 1)
        #expect(parts.count == 2)
        #expect(parts[1].hasSuffix("}}"))
        return String(parts[0])
    }

    private let head = #"{"status":"success","data":{"resultType":"#

    private var rows: [LogRow] {
        [
            LogRow(
                timestamp: 9, line: Array("b \"1\"\n".utf8),
                labels: .init(
                    stream: Labels(["app": "z"]), metadata: Labels(["t": "1"]),
                    parsed: Labels(["p": "2"]))),
            LogRow(timestamp: 8, line: [0xff], labels: .init(stream: Labels(["app": "a"]))),
            LogRow(
                timestamp: 7, line: [],
                labels: .init(
                    stream: Labels(["app": "z"]), parsed: Labels(["p": "3"]))),
        ]
    }

    @Test func streamsAreMergedAndSorted() {
        #expect(
            encode(.streams(rows))
                == head
                + #""streams","result":[{"stream":{"app":"a"},"values":[["8","\#u{FFFD}"]]},"#
                + #"{"stream":{"app":"z","p":"2","t":"1"},"values":[["9","b \"1\"\n"]]},"#
                + #"{"stream":{"app":"z","p":"3"},"values":[["7",""]]}]"#)
        #expect(encode(.streams([])) == head + #""streams","result":[]"#)
    }

    /// Rows of one stream may come with labels of their own, and in any order; texts are in Loki's order, in
    /// which a quotation mark in a value counts as its escape.
    @Test func rowsFindTheirStreamsWhereverTheirLabelsLie() {
        let values = ["b", "a", "a\"", "a!", "aa", "é", "a\n"]
        let rows = (0..<70).map { index in
            LogRow(
                timestamp: Int64(100 - index), line: Array("\(index)".utf8),
                labels: .init(stream: Labels([Label("v", values[index * 3 % values.count])])))
        }
        let text = encode(.streams(rows))
        var streams: [(text: String, rows: [String])] = []
        for value in values {
            let labels = Labels([Label("v", value)])
            let own = rows.filter { $0.labels.stream == labels }
            streams.append(
                (labels.description, own.map { String(decoding: $0.line, as: UTF8.self) }))
        }
        streams.sort { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) }
        let found = text.components(separatedBy: "{\"stream\":").dropFirst().map { part in
            part.components(separatedBy: "\",\"").dropFirst().map { $0.prefix { $0 != "\"" } }
        }
        #expect(found.map { $0.map(String.init) } == streams.map(\.rows))
        #expect(found.count == values.count)
    }

    @Test func categoriesComeBeforeResults() {
        #expect(
            encode(.streams(rows), flags: ["categorize-labels", "foo"])
                == head + #""streams","encodingFlags":["categorize-labels","foo"],"result":["#
                + #"{"stream":{"app":"a"},"values":[["8","\#u{FFFD}",{}]]},"#
                + #"{"stream":{"app":"z"},"values":[["9","b \"1\"\n","#
                + #"{"structuredMetadata":{"t":"1"},"parsed":{"p":"2"}}],["7","",{"parsed":{"p":"3"}}]]}]"#
        )
    }

    @Test func samples() {
        let series = Series(
            labels: Labels(["a": "1"]),
            points: [
                Point(milliseconds: 1_588_889_221_000, value: 1.5),
                Point(milliseconds: 1_588_889_221_250, value: .infinity),
            ])
        #expect(
            encode(.matrix([series]))
                == head + #""matrix","result":[{"metric":{"a":"1"},"#
                + #""values":[[1588889221,"1.5"],[1588889221.25,"+Inf"]]}]"#)
        #expect(
            encode(.vector([series]))
                == head + #""vector","result":[{"metric":{"a":"1"},"value":[1588889221,"1.5"]}]"#)
        #expect(
            encode(.scalar(Point(milliseconds: 4000, value: 2)))
                == head + #""scalar","result":[4,"2"]"#)
        #expect(encode(.vector([]), flags: ["x"]) == head + #""vector","result":[]"#)
    }

    private static let zeros = String(repeating: "0", count: 323)
    private static let values: [(Double, String)] = [
        (0.0, "0"), (-0.0, "-0"), (1.5, "1.5"), (1e6, "1000000"), (1e21, "1" + zeros.prefix(21)),
        (0.3333333333333333, "0.3333333333333333"), (0.00001234, "0.00001234"),
        (-1e-7, "-0.0000001"), (123456789.125, "123456789.125"),
        (1.7976931348623157e308, "17976931348623157" + zeros.prefix(292)),
        (.leastNonzeroMagnitude, "0." + zeros + "5"), (.nan, "NaN"), (.infinity, "+Inf"),
        (-.infinity, "-Inf"),
        (1.25e22, "125" + zeros.prefix(20)), (2251799813685248.5, "2251799813685248.5"),
    ]

    @Test func numbers() {
        for (value, text) in Self.values { #expect(FloatText.text(value) == text) }
    }

    @Test(arguments: [
        (Int64(0), "0"), (1, "0.001"), (10, "0.01"), (1500, "1.5"), (-1, "-0.001"),
        (1_793_498_400_120, "1793498400.12"),
    ])
    func moments(_ milliseconds: Int64, _ text: String) {
        var out: [UInt8] = []
        FloatText.appendSeconds(milliseconds: milliseconds, to: &out)
        #expect(String(decoding: out, as: UTF8.self) == text)
    }
}

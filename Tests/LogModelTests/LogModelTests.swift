import LogModel
import Testing

@Suite struct LabelsTests {
    @Test func sortsDropsEmptyValuesAndKeepsTheLast() {
        let labels = Labels([Label("b", "2"), Label("a", "1"), Label("c", ""), Label("a", "3")])
        #expect(labels.description == #"{a="3", b="2"}"#)
        #expect(labels["a"] == "3")
        #expect(labels["c"] == nil)
    }

    /// Few and many are put in order in different ways, to the same end.
    @Test func anyNumberOfPairsIsASetOfTheLastValues() {
        for count in 0...40 {
            var known: [String: String] = [:]
            let pairs = (0..<count).map { place in
                Label("n\(place * 7 % 11)", place % 5 == 0 ? "" : "\(place)")
            }
            for pair in pairs { known[pair.name] = pair.value }
            let labels = Labels(pairs)
            #expect(labels.count == known.values.count { !$0.isEmpty }, "\(count) pairs")
            #expect(labels.pairs.allSatisfy { known[$0.name] == $0.value }, "\(count) pairs")
            #expect(labels.pairs.map(\.name) == labels.pairs.map(\.name).sorted())
        }
    }

    @Test func namesSortByBytesAsGoSortsThem() {
        let labels = Labels([Label("é", "1"), Label("z", "1"), Label("Z", "1"), Label("_", "1")])
        #expect(labels.pairs.map(\.name) == ["Z", "_", "z", "é"])
    }

    @Test func printsWithGoEscapes() {
        let labels = Labels([Label("a", "quote\" slash\\ line\n bell\u{07} delete\u{7f} 한글")])
        #expect(
            labels.description
                == #"{a="quote\" slash\\ line\n bell\a delete\x7f 한글"}"#)
    }

    @Test func aPrintedSetReadsAsTheSame() {
        let everyControl = String(
            String.UnicodeScalarView((0..<0x80).map { Unicode.Scalar(UInt8($0)) }))
        for labels in [
            Labels([]), Labels([Label("a", "1")]),
            Labels([Label("b", ", c=\"}"), Label("a", "\\")]),
            Labels([Label("a b=c", "1"), Label("d}", "2")]), Labels([Label("}x", "b}")]),
            Labels([Label("a", everyControl), Label("é", "한글 e\u{301} \u{1f600}")]),
        ] {
            let text = labels.description
            #expect(Labels(description: text) == labels, "\(text)")
            // No beginning of a set is one, but for the empty one.
            for end in text.indices where text[..<end] != "{}" {
                #expect(Labels(description: String(text[..<end])) == nil)
            }
            #expect(Labels(description: text + " ") == nil)
        }
        for text in [#"{a="1" b="2"}"#, #"{a=1}"#, #"{a="\q"}"#, #"{a="\xg0"}"#, #"{a="1",}"#] {
            #expect(Labels(description: text) == nil, "\(text)")
        }
    }

    @Test func fingerprintSeparatesNamesFromValues() {
        #expect(Labels([Label("ab", "c")]).fingerprint != Labels([Label("a", "bc")]).fingerprint)
        // Stored in segments, so it must never change.
        #expect(Labels.empty.fingerprint == 0xcbf2_9ce4_8422_2325)
    }
}

@Suite struct EntriesTests {
    @Test func rowsComeBackAsAppended() {
        var entries = Entries()
        let metadata = Labels([Label("trace", "1")])
        entries.append(timestamp: 1, line: Array("one".utf8))
        entries.append(timestamp: 2, line: [])
        entries.append(timestamp: 3, line: [0xff, 0x00], metadata: metadata)
        entries.append(timestamp: 4, line: Array("four".utf8), metadata: metadata)
        entries.append(timestamp: 5, line: Array("five".utf8))
        #expect(entries.timestamps == [1, 2, 3, 4, 5])
        #expect(entries.line(1).isEmpty)
        #expect(Array(entries.line(2)) == [0xff, 0x00])
        #expect(
            (0..<5).map { entries.metadata($0) } == [.empty, .empty, metadata, metadata, .empty])
        #expect(entries.metadataSets.count == 2)
    }
}

@Suite struct MatcherTests {
    private typealias Case = (value: String, op: Matcher.Operator, pattern: String, matches: Bool)

    @Test func matchesLikeLoki() throws {
        let cases: [Case] = [
            ("a", .equal, "a", true), ("a", .notEqual, "a", false), ("a\nb", .match, "a.b", true),
            ("abc", .match, "b", false), ("abc", .notMatch, "b", true), ("", .match, ".*", true),
            ("", .equal, "", true),
        ]
        for one in cases {
            let matcher = try Matcher("l", one.op, one.pattern)
            #expect(matcher.matches(one.value) == one.matches, "\(one)")
        }
    }

    @Test func aBrokenPatternSaysSo() {
        #expect(throws: (any Error).self) { try Matcher("l", .match, "(") }
    }

    @Test func aMissingLabelCountsAsEmpty() throws {
        let matchers = [try Matcher("color", .equal, ""), try Matcher("app", .notEqual, "x")]
        #expect(matchers.accept(Labels([Label("app", "shop")])))
        #expect(!matchers.accept(Labels([Label("app", "shop"), Label("color", "blue")])))
    }
}

@Suite struct TimestampTests {
    @Test func sticksAtTheEnds() {
        #expect(Timestamp(nanoseconds: .max - 1).advanced(byNanoseconds: 5) == .distantFuture)
        #expect(Timestamp(nanoseconds: .min + 1).advanced(byNanoseconds: -5) == .distantPast)
        #expect(Timestamp(nanoseconds: 7).advanced(byNanoseconds: -9).nanoseconds == -2)
    }
}

import Foundation
import LogQL
import Testing

@Suite struct PrinterTests {
    /// Everything that a tree holds but where its parts stood in the text.
    private func content(_ tree: QueryTree) -> String {
        String(reflecting: tree).replacing(
            #/LogQL\.SourcePosition\(offset: -?\d+, line: \d+, column: \d+\)/#, with: "@")
    }

    @Test func whatIsPrintedParsesToTheSameTree() throws {
        let seed: UInt64 = 20_261_121
        print("seed of the trees: \(seed)")
        var generator = TreeGenerator(seed: seed)
        for _ in 0..<4000 {
            let tree = generator.query()
            let printed = LogQLPrinter.print(tree)
            let lines = LogQLPrinter.printLines(tree)
            for text in [printed, lines] {
                do {
                    let again = try LogQLParser.parse(text)
                    guard content(again) == content(tree) else {
                        Issue.record("another tree: \(text)\n\(LogQLPrinter.print(again))")
                        return
                    }
                } catch {
                    Issue.record("\(error.report(in: text))\n\(text)")
                    return
                }
            }
        }
    }

    /// Numbers that no literal of LogQL stands for.
    @Test(arguments: ["1e308 * 10", "-1e308 * 10", "0 / 0", "-0", "vector(1.23456789)"])
    func numbersThatHaveNoDigits(text: String) throws {
        let printed = LogQLPrinter.print(try LogQLParser.parse(text))
        #expect(LogQLPrinter.print(try LogQLParser.parse(printed)) == printed)
        #expect(try content(LogQLParser.parse(printed)) == content(LogQLParser.parse(text)))
    }
}

@Suite struct PageTests {
    /// The page about the language shows nothing that is not understood.
    @Test func everyExampleOfThePageParses() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/LogQL/README.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        var examples: [Substring] = []
        var isInside = false
        for line in text.split(separator: "\n") {
            if line.hasPrefix("```") {
                isInside = line == "```logql"
            } else if isInside {
                examples.append(line)
            }
        }
        #expect(examples.count > 15)
        for example in examples {
            do { _ = try LogQLParser.parse(String(example)) } catch {
                Issue.record("\(error.report(in: String(example)))")
            }
        }
    }
}

/// Finds a literal that every match of a pattern contains, so that a fast substring search can rule
/// out most lines before the automaton sees them.
///
/// It reads only what it is sure of: a run of plain characters outside any group, alternation or
/// class. Everything else ends the run; anything that changes meaning at a distance (flags, a
/// top-level `|`) gives up. Wrong "nil" costs time, never an answer.
enum RequiredLiteral {
    /// A shorter literal rules out too little to pay.
    private static let shortest = 2

    static func of(_ pattern: String) -> [UInt8]? {
        var scan = Scan(pattern: Array(pattern.utf8))
        guard scan.run() else { return nil }
        guard let longest = scan.runs.max(by: { $0.count < $1.count }), longest.count >= shortest
        else { return nil }
        return longest
    }

    private struct Scan {
        let pattern: [UInt8]
        var at = 0
        var current: [UInt8] = []
        var runs: [[UInt8]] = []

        init(pattern: [UInt8]) { self.pattern = pattern }

        mutating func endRun() {
            if !current.isEmpty { runs.append(current) }
            current = []
        }

        /// False when nothing can be said.
        mutating func run() -> Bool {
            while at < pattern.count {
                let byte = pattern[at]
                switch byte {
                case UInt8(ascii: "|"): return false
                case UInt8(ascii: "("):
                    guard skipGroup() else { return false }
                    endRun()
                case UInt8(ascii: "["):
                    guard skipClass() else { return false }
                    endRun()
                case UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "$"):
                    endRun()
                    at += 1
                case UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "{"), UInt8(ascii: "+"):
                    quantifier(byte)
                case UInt8(ascii: "\\"):
                    guard escape() else { return false }
                default:
                    current.append(byte)
                    at += 1
                }
            }
            endRun()
            return true
        }

        /// A quantifier may take the character before it away, and ends the run in any case.
        private mutating func quantifier(_ byte: UInt8) {
            var end = at + 1
            if byte == UInt8(ascii: "{") {
                guard let close = repetitionEnd() else {
                    // A brace that counts nothing is text.
                    current.append(byte)
                    at += 1
                    return
                }
                end = close
            }
            if byte != UInt8(ascii: "+") { dropLastCharacter() }
            endRun()
            at = end
        }

        /// Where `{2}`, `{2,}` or `{2,3}` ends.
        private func repetitionEnd() -> Int? {
            func digits(_ from: Int) -> Int {
                pattern[from...].firstIndex { !(48...57).contains($0) } ?? pattern.count
            }
            var end = digits(at + 1)
            guard end > at + 1 else { return nil }
            if end < pattern.count, pattern[end] == UInt8(ascii: ",") { end = digits(end + 1) }
            guard end < pattern.count, pattern[end] == UInt8(ascii: "}") else { return nil }
            return end + 1
        }

        private mutating func dropLastCharacter() {
            while let last = current.popLast(), last & 0xC0 == 0x80 {}
        }

        private mutating func escape() -> Bool {
            guard at + 1 < pattern.count else { return false }
            let next = pattern[at + 1]
            let isWord =
                (48...57).contains(next) || (65...90).contains(next) || (97...122).contains(next)
            if isWord {
                // \d, \s, \b and the like have no argument; the rest is left to RE2.
                guard "dDsSwWbBAzntrf".utf8.contains(next) else { return false }
                endRun()
            } else {
                current.append(next)
            }
            at += 2
            return true
        }

        private mutating func skipGroup() -> Bool {
            if pattern[at...].starts(with: Array("(?".utf8)) {
                // Flags such as (?i) change what follows; named and plain groups do not.
                let rest = pattern[(at + 2)...]
                guard rest.starts(with: Array("P<".utf8)) || rest.starts(with: Array(":".utf8))
                else { return false }
            }
            var depth = 0
            while at < pattern.count {
                switch pattern[at] {
                case UInt8(ascii: "\\"): at += 1
                case UInt8(ascii: "["):
                    guard skipClass() else { return false }
                    continue
                case UInt8(ascii: "("): depth += 1
                case UInt8(ascii: ")"):
                    depth -= 1
                    if depth == 0 {
                        at += 1
                        return true
                    }
                default: break
                }
                at += 1
            }
            return false
        }

        private mutating func skipClass() -> Bool {
            at += 1
            if at < pattern.count, pattern[at] == UInt8(ascii: "^") { at += 1 }
            if at < pattern.count, pattern[at] == UInt8(ascii: "]") { at += 1 }
            while at < pattern.count {
                switch pattern[at] {
                case UInt8(ascii: "\\"): at += 1
                case UInt8(ascii: "["):
                    // [:alpha:] inside a class; without its ":]" the brackets are text.
                    guard let close = pattern[at...].firstIndex(of: UInt8(ascii: "]")) else {
                        return false
                    }
                    if close > at + 2, pattern[at + 1] == UInt8(ascii: ":"),
                        pattern[close - 1] == UInt8(ascii: ":")
                    {
                        at = close
                    }
                case UInt8(ascii: "]"):
                    at += 1
                    return true
                default: break
                }
                at += 1
            }
            return false
        }
    }
}

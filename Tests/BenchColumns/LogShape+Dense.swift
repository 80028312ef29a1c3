/// Lines that are little but values, or nothing that has a structure.
extension LogShape {
    func writeDense(to line: inout LineMaker) {
        switch self {
        case .uuids: line.uuid()
        case .base64: line.base64(line.draw(8...200))
        case .hex: line.hex(32)
        case .integers: line.number(100_000...999_999)
        case .table: Self.table(&line)
        case .settings: Self.object(&line, depth: 0)
        case .prose: line.wordsApart(4...30)
        case .short: line.pick(["a", "b", "c", "1", "2", "3", "4"])
        case .long: Self.long(&line)
        case .binary: Self.binary(&line)
        default: break
        }
    }

    private static func table(_ line: inout LineMaker) {
        for place in 0..<12 {
            if place > 0 { line.text(",") }
            line.number(20...99)
            line.text(".")
            line.number(0...(line.chance(2) ? 9 : 999))
        }
    }

    /// Objects of any keys, as programs dump their settings.
    private static func object(_ line: inout LineMaker, depth: Int) {
        line.text("{")
        for place in 0..<line.draw(2...7) {
            line.text(place == 0 ? "\"" : ", \"")
            line.word()
            line.text("\": ")
            switch line.draw(0...(depth < 2 ? 5 : 4)) {
            case 0: line.pick(["null", "true", "false"])
            case 1: line.number(0...999)
            case 2:
                line.text("\"")
                line.hex(8)
                line.text("\"")
            case 5: object(&line, depth: depth + 1)
            default:
                line.text("\"")
                line.word()
                line.text("\"")
            }
        }
        line.text("}")
    }

    private static func long(_ line: inout LineMaker) {
        line.text("dump of ")
        line.number(1...99)
        line.text(": ")
        for _ in 0..<line.draw(200...4000) {
            line.word()
            line.text("=")
            line.number(0...9999)
            line.text(" ")
        }
    }

    private static func binary(_ line: inout LineMaker) {
        switch line.draw(0...5) {
        case 0: break
        case 1:
            line.text("\u{0}\r\n\u{0}")
            line.noise(3)
        case 2:
            line.text("frame ")
            line.number(0...99)
            line.text(" \u{0}\u{1}\u{2}")
            line.noise(line.draw(0...20))
        default: line.noise(line.draw(1...120))
        }
    }
}

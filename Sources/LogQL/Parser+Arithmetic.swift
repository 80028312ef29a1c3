import LogModel

/// Calculations with labels, `label_format ms=(b - a) * 1000`: an addition to Loki's language, where
/// a text that begins so is an error.
extension Parser {
    /// True where more than the name of a label follows.
    var startsArithmetic: Bool {
        switch peek.kind {
        case .number, .duration, .bytes, .symbol("("), .symbol("-"): return true
        case .identifier:
            guard case .symbol(let next) = ahead(1).kind else { return false }
            return next == "(" || Self.level(next) != nil
        default: return false
        }
    }

    mutating func arithmetic() throws(SyntaxError) -> LabelArithmetic {
        try nested { (p) throws(SyntaxError) in try p.arithmetic(minLevel: 0) }
    }

    private static func level(_ symbol: String) -> Int? {
        switch symbol {
        case "+", "-": 1
        case "*", "/", "%": 2
        case "^": 3
        default: nil
        }
    }

    private mutating func arithmetic(minLevel: Int) throws(SyntaxError) -> LabelArithmetic {
        var left = try arithmeticTerm()
        while case .symbol(let symbol) = peek.kind, let level = Self.level(symbol),
            level >= minLevel, let op = BinaryOperation.Operator(rawValue: symbol)
        {
            try countOperation()
            take()
            let right = try nested { (p) throws(SyntaxError) in
                try p.arithmetic(minLevel: op == .power ? level : level + 1)
            }
            left = .operation(op, left, right)
        }
        return left
    }

    private mutating func arithmeticTerm() throws(SyntaxError) -> LabelArithmetic {
        switch peek.kind {
        case .symbol("("):
            take()
            let inner = try arithmetic()
            try expect(")")
            return inner
        case .symbol("-"):
            take()
            let term = try nested { (p) throws(SyntaxError) in try p.arithmeticTerm() }
            if case .number(let value) = term { return .number(-value) }
            return .operation(.subtract, .number(0), term)
        case .number(let text):
            take()
            return .number(Double(text) ?? .nan)
        case .duration(let span):
            take()
            return .number(Double(span) / 1e9)
        case .bytes(let amount):
            take()
            return .number(Double(amount))
        case .identifier(let text) where ahead(1).kind == .symbol("("):
            let conversions: [Unwrap.Conversion] = [.duration, .durationSeconds, .bytes]
            guard let conversion = conversions.first(where: { $0.rawValue == text.lowercased() })
            else { throw unexpected("duration, duration_seconds or bytes") }
            take()
            take()
            let label = try name()
            try expect(")")
            return .label(label, conversion)
        default: return .label(try name(), .none)
        }
    }
}

/// One rendering of a template, as Go's text/template executes it.
struct TemplateExecution {
    private let template: Template
    private let input: TemplateInput
    private var out: [UInt8] = []
    private var variables: [(name: String, value: TemplateValue)] = []
    private var steps = 0
    /// Bytes that functions have taken and given.
    private var work = 0
    private var depth = 0

    private enum Flow { case next, leaveLoop, nextRound }

    init(_ template: Template, _ input: TemplateInput) {
        self.template = template
        self.input = input
    }

    mutating func run() throws(TemplateError) -> [UInt8] {
        variables = [("$", .labels)]
        _ = try walk(template.main, .labels)
        return out
    }

    private mutating func walk(
        _ nodes: [TemplateNode], _ dot: TemplateValue
    ) throws(TemplateError) -> Flow {
        for node in nodes {
            let flow = try walk(node, dot)
            guard flow == .next else { return flow }
        }
        return .next
    }

    private mutating func walk(
        _ node: TemplateNode, _ dot: TemplateValue
    ) throws(TemplateError) -> Flow {
        try step()
        switch node {
        case .text(let text): out += text
        case .action(let pipe):
            let value = try evaluate(pipe, dot)
            if pipe.variables.isEmpty { value.appendText(to: &out, input) }
        case .branch(.range, let pipe, let list, let otherwise):
            return try range(pipe, list, otherwise, dot)
        case .branch(let kind, let pipe, let list, let otherwise):
            let known = variables.count
            defer { variables.removeLast(variables.count - known) }
            let value = try evaluate(pipe, dot)
            if value.isTrue(input) { return try walk(list, kind == .with ? value : dot) }
            return try walk(otherwise, dot)
        case .template(let name, let pipe): try call(name, pipe, dot)
        case .breakLoop: return .leaveLoop
        case .continueLoop: return .nextRound
        }
        guard out.count <= TemplateLimits.valueBytes else {
            throw TemplateError("exceeded \(TemplateLimits.valueBytes) bytes for one line")
        }
        return .next
    }

    private mutating func step(_ count: Int = 1) throws(TemplateError) {
        steps += count
        guard steps <= TemplateLimits.steps else {
            throw TemplateError("exceeded \(TemplateLimits.steps) steps for one line")
        }
    }

    private mutating func call(
        _ name: [UInt8], _ pipe: TemplatePipe?, _ dot: TemplateValue
    ) throws(TemplateError) {
        guard let nodes = template.defined[name] else {
            throw TemplateError("template \(String(decoding: name, as: UTF8.self)) not defined")
        }
        guard depth < TemplateLimits.depth else {
            throw TemplateError("exceeded maximum template depth")
        }
        let value = try pipe.map { pipe throws(TemplateError) in try evaluate(pipe, dot) } ?? .none
        let outer = variables
        variables = [("$", value)]
        depth += 1
        // On errors too: whoever is outside counts its own variables when it is left.
        defer {
            depth -= 1
            variables = outer
        }
        _ = try walk(nodes, value)
    }

    private mutating func range(
        _ pipe: TemplatePipe, _ list: [TemplateNode], _ otherwise: [TemplateNode],
        _ dot: TemplateValue
    ) throws(TemplateError) -> Flow {
        let known = variables.count
        defer { variables.removeLast(variables.count - known) }
        var bare = pipe
        bare.variables = []
        let items = try items(of: try evaluate(bare, dot))
        // Listing them is work, however few of them the loop looks at.
        try step(items.count)
        if items.isEmpty { return try walk(otherwise, dot) }
        for (key, value) in items {
            let mark = variables.count
            try bind(pipe, key, value)
            let flow = try walk(list, value)
            if !pipe.assigns { variables.removeLast(variables.count - mark) }
            if flow == .leaveLoop { break }
        }
        return .next
    }

    private mutating func bind(
        _ pipe: TemplatePipe, _ key: TemplateValue, _ value: TemplateValue
    ) throws(TemplateError) {
        // One variable takes the element, two take index and element.
        let pairs =
            pipe.variables.count == 1
            ? [(pipe.variables[0], value)] : Array(zip(pipe.variables, [key, value]))
        for (name, value) in pairs {
            if pipe.assigns { assign(name, value) } else { variables.append((name, value)) }
        }
    }

    private mutating func assign(_ name: String, _ value: TemplateValue) {
        if let at = variables.lastIndex(where: { $0.name == name }) { variables[at].value = value }
    }

    private func items(
        of value: TemplateValue
    ) throws(TemplateError) -> [(TemplateValue, TemplateValue)] {
        switch value {
        case .list(let values): return values.enumerated().map { (.int($0.offset), $0.element) }
        case .map(let values):
            return values.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
                .map { (.text($0.key), $0.value) }
        case .labels: return input.labels().sorted().map { (.text($0.name), .text($0.value)) }
        case .int, .int64:
            let count = value.integer ?? 0
            guard count <= Int64(TemplateLimits.steps) else {
                throw TemplateError("range over \(count): at most \(TemplateLimits.steps)")
            }
            return (0..<max(0, Int(count))).map { (.int($0), .int($0)) }
        case .none: return []
        default: throw TemplateError("range can't iterate over \(value.typeName)")
        }
    }

    // Values.

    private mutating func evaluate(
        _ pipe: TemplatePipe, _ dot: TemplateValue
    ) throws(TemplateError) -> TemplateValue {
        var value: TemplateValue?
        for command in pipe.commands { value = try evaluate(command, dot, final: value) }
        let result = value ?? .none
        for name in pipe.variables {
            if pipe.assigns { assign(name, result) } else { variables.append((name, result)) }
        }
        return result
    }

    private mutating func evaluate(
        _ command: [TemplateOperand], _ dot: TemplateValue, final: TemplateValue?
    ) throws(TemplateError) -> TemplateValue {
        let arguments = Array(command.dropFirst())
        func refuse() throws(TemplateError) {
            if !arguments.isEmpty || final != nil {
                throw TemplateError("can't give argument to non-function")
            }
        }
        switch command[0] {
        case .function(let name): return try call(name, arguments, dot, final: final)
        case .field(let path): return try fields(of: dot, path, arguments, dot, final: final)
        case .variable(let name, let path):
            if path.isEmpty { try refuse() }
            return try fields(of: variable(name), path, arguments, dot, final: final)
        case .chain(let operand, let path):
            let value = try evaluate([operand], dot, final: nil)
            return try fields(of: value, path, arguments, dot, final: final)
        case .pipe(let pipe):
            try refuse()
            return try evaluate(pipe, dot)
        case .dot:
            try refuse()
            return dot
        case .nil: throw TemplateError("nil is not a command")
        case .bool(let flag):
            try refuse()
            return .bool(flag)
        case .string(let text):
            try refuse()
            return .text(text)
        case .number(let number):
            try refuse()
            return Self.value(number)
        }
    }

    private static func value(_ number: TemplateNumber) -> TemplateValue {
        switch number {
        case .int(let value): .int(value)
        case .float(let value): .float(value)
        }
    }

    private func variable(_ name: String) -> TemplateValue {
        variables.last { $0.name == name }?.value ?? .none
    }

    private mutating func fields(
        of value: TemplateValue, _ path: [String], _ arguments: [TemplateOperand],
        _ dot: TemplateValue, final: TemplateValue?
    ) throws(TemplateError) -> TemplateValue {
        var value = value
        for (index, name) in path.enumerated() {
            let isLast = index == path.count - 1
            if case .time(let time) = value {
                var given: [TemplateValue] = []
                if isLast {
                    for operand in arguments { given.append(try argument(operand, dot)) }
                    if let final { given.append(final) }
                }
                value = try time.call(name, given)
                continue
            }
            // Nothing is there to look into: a missing key by itself is no error.
            if index > 0, case .none = value {
                throw TemplateError("nil pointer evaluating interface {}.\(name)")
            }
            if isLast, !arguments.isEmpty || final != nil {
                throw TemplateError("\(name) is not a method but has arguments")
            }
            value = try field(of: value, name)
        }
        return value
    }

    private func field(
        of value: TemplateValue, _ name: String
    ) throws(TemplateError) -> TemplateValue {
        switch value {
        case .labels: return .text(input.label(name) ?? "")
        case .map(let values): return values[name] ?? .none
        case .none: return .none
        default: throw TemplateError("can't evaluate field \(name) in type \(value.typeName)")
        }
    }

    private mutating func argument(
        _ operand: TemplateOperand, _ dot: TemplateValue
    ) throws(TemplateError) -> TemplateValue {
        switch operand {
        case .nil: return .none
        case .number(let number): return Self.value(number)
        default: return try evaluate([operand], dot, final: nil)
        }
    }

    private mutating func call(
        _ name: String, _ arguments: [TemplateOperand], _ dot: TemplateValue,
        final: TemplateValue?
    ) throws(TemplateError) -> TemplateValue {
        if name == "and" || name == "or" {
            return try shortCircuit(isAnd: name == "and", arguments, dot, final: final)
        }
        guard let function = TemplateFunctions.all[name] else {
            throw TemplateError("function \"\(name)\" not defined")
        }
        var values: [TemplateValue] = []
        for (index, operand) in arguments.enumerated() {
            // A constant becomes the type that is wanted.
            switch (operand, function.kind(of: index)) {
            case (.number(.int(let number)), .float): values.append(.float(Double(number)))
            case (.number(.float(let number)), .int):
                guard let whole = Int(exactly: number) else {
                    throw TemplateError("expected integer; found \(number)")
                }
                values.append(.int(whole))
            default: values.append(try argument(operand, dot))
            }
        }
        if let final { values.append(final) }
        try function.check(name, values)
        let result = try function.body(
            TemplateCall(values: values, input: input, regexps: template.regexps))
        try spend(name, values, result)
        return result
    }

    private mutating func spend(
        _ name: String, _ values: [TemplateValue], _ result: TemplateValue
    ) throws(TemplateError) {
        try step()
        guard result.textBytes <= TemplateLimits.valueBytes else {
            throw TemplateLimits.tooLarge(name)
        }
        work += result.textBytes + values.reduce(0) { $0 + $1.textBytes }
        guard work <= TemplateLimits.workBytes else {
            throw TemplateError(
                "error calling \(name): functions have worked on more than "
                    + "\(TemplateLimits.workBytes) bytes for one line")
        }
    }

    private mutating func shortCircuit(
        isAnd: Bool, _ arguments: [TemplateOperand], _ dot: TemplateValue, final: TemplateValue?
    ) throws(TemplateError) -> TemplateValue {
        guard !arguments.isEmpty || final != nil else {
            throw TemplateError("wrong number of args for \(isAnd ? "and" : "or")")
        }
        var value = TemplateValue.none
        for operand in arguments {
            value = try argument(operand, dot)
            if value.isTrue(input) != isAnd { return value }
        }
        return final ?? value
    }
}

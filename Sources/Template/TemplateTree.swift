/// What a template says: the tree that the parser makes and the execution walks.
indirect enum TemplateNode: Sendable {
    case text([UInt8])
    case action(TemplatePipe)
    case branch(Branch, TemplatePipe, [TemplateNode], otherwise: [TemplateNode])
    case template(name: [UInt8], TemplatePipe?)
    case breakLoop
    case continueLoop

    enum Branch: String, Sendable { case `if`, with, range }
}

/// `$x := a | b c`: commands, each taking the value of the one before as its last argument.
struct TemplatePipe: Sendable {
    var variables: [String] = []
    /// `=` instead of `:=`.
    var assigns = false
    var commands: [[TemplateOperand]] = []
}

indirect enum TemplateOperand: Sendable {
    case dot
    case `nil`
    case bool(Bool)
    case number(TemplateNumber)
    case string([UInt8])
    /// `.a.b`
    case field([String])
    /// `$x.a.b`; the name with its dollar.
    case variable(String, [String])
    case function(String)
    /// Fields of a value that is computed: `(f x).a`, `now.Unix`.
    case chain(TemplateOperand, [String])
    case pipe(TemplatePipe)
}

extension TemplateNode {
    /// Calls a closure for each operand of the tree.
    func forEachOperand(_ body: (TemplateOperand) -> Void) {
        switch self {
        case .text, .breakLoop, .continueLoop: break
        case .action(let pipe): pipe.forEachOperand(body)
        case .branch(_, let pipe, let list, let otherwise):
            pipe.forEachOperand(body)
            for node in list + otherwise { node.forEachOperand(body) }
        case .template(_, let pipe): pipe?.forEachOperand(body)
        }
    }
}

extension TemplatePipe {
    func forEachOperand(_ body: (TemplateOperand) -> Void) {
        for operand in commands.joined() { operand.forEach(body) }
    }
}

extension TemplateOperand {
    fileprivate func forEach(_ body: (TemplateOperand) -> Void) {
        body(self)
        switch self {
        case .chain(let operand, _): operand.forEach(body)
        case .pipe(let pipe): pipe.forEachOperand(body)
        default: break
        }
    }
}

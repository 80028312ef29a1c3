import Bytes
import LogModel
import LogQL
import Regexp
import Template

/// One stage, ready to run on a row.
enum CompiledStage {
    case lineFilter(LineFilterStage)
    case json(JSONStage)
    case jsonPaths(JSONPathStage)
    case logfmt(LogfmtStage)
    case pattern(PatternStage)
    case regexp(RegexpStage)
    case unpack(UnpackStage)
    case labelFilter(LabelFilterStage)
    case lineFormat(Template)
    case labelFormat([(name: String, value: LabelValue)])
    case decolorize(Regexp)
    case drop([LabelSelection])
    case keep([LabelSelection])

    enum LabelValue {
        case label(String)
        case template(Template)
        case arithmetic(LabelArithmetic)
    }

    /// ANSI control sequences, as ECMA-48 5.4 builds them, and operating system commands.
    private static let ansi = "\\x1b(?:\\[[0-?]*[ -/]*[@-~]|\\][^\\x07\\x1b]*(?:\\x07|\\x1b\\\\))"

    init(_ stage: Stage) throws(PipelineError) {
        do throws(PipelineError) { self = try Self.compile(stage.kind) } catch {
            // Loki names the stage, except where the parser already speaks for itself.
            let text = error.message
            throw PipelineError(
                text.hasPrefix("invalid pattern parser") || text.hasPrefix("invalid regexp parser")
                    ? "parse error : \(text)"
                    : "parse error : stage '\(LogQLPrinter.text(stage))' : \(text)",
                at: stage.position)
        }
    }

    private static func compile(_ kind: Stage.Kind) throws(PipelineError) -> CompiledStage {
        switch kind {
        case .lineFilter(let filter): return .lineFilter(try LineFilterStage(filter))
        case .json(let arrays, let fields):
            return fields.isEmpty
                ? .json(JSONStage(keepsArrays: arrays)) : .jsonPaths(try JSONPathStage(fields))
        case .logfmt(let strict, let keepEmpty, let fields):
            return .logfmt(try LogfmtStage(strict: strict, keepEmpty: keepEmpty, fields: fields))
        case .pattern(let text): return .pattern(try PatternStage(text))
        case .regexp(let text): return .regexp(try RegexpStage(text))
        case .unpack: return .unpack(UnpackStage())
        case .labelFilter(let filter): return .labelFilter(try LabelFilterStage(filter))
        case .lineFormat(let text):
            return .lineFormat(try template(text, "invalid line template: template: line:1: "))
        case .labelFormat(let list): return .labelFormat(try assignments(list))
        case .decolorize:
            do { return .decolorize(try Regexp(ansi)) } catch { throw PipelineError(error.reason) }
        case .drop(let list): return .drop(list)
        case .keep(let list): return .keep(list)
        }
    }

    private static func template(
        _ text: String, _ prefix: String
    ) throws(PipelineError) -> Template {
        do { return try Template(text) } catch { throw PipelineError(prefix + error.message) }
    }

    private static func assignments(
        _ list: [LabelAssignment]
    ) throws(PipelineError) -> [(name: String, value: LabelValue)] {
        var seen: Set<String> = []
        var out: [(name: String, value: LabelValue)] = []
        for assignment in list {
            if assignment.name == RowLabels.error {
                throw PipelineError("__error__ cannot be formatted")
            }
            guard seen.insert(assignment.name).inserted else {
                throw PipelineError(
                    "multiple label name '\(assignment.name)' not allowed in a single format operation"
                )
            }
            switch assignment.value {
            case .label(let source): out.append((assignment.name, .label(source)))
            case .arithmetic(let arithmetic): out.append((assignment.name, .arithmetic(arithmetic)))
            case .template(let text):
                let prefix = "invalid template for label '\(assignment.name)': template: label:1: "
                out.append((assignment.name, .template(try template(text, prefix))))
            }
        }
        return out
    }

    /// True for the stages that only look for labels in the line.
    var isParser: Bool {
        switch self {
        case .json, .jsonPaths, .logfmt, .pattern, .regexp: true
        default: false
        }
    }

    var keepsAll: Bool {
        switch self {
        case .lineFilter, .labelFilter: false
        default: true
        }
    }

    var needsLine: Bool {
        switch self {
        case .lineFilter, .json, .jsonPaths, .logfmt, .pattern, .regexp, .unpack, .decolorize: true
        case .lineFormat: true
        case .labelFormat(let list):
            list.contains { if case .template = $0.value { true } else { false } }
        case .labelFilter, .drop, .keep: false
        }
    }

    /// The labels that the stage looks at; nil when it may look at any.
    var names: [String]? {
        switch self {
        case .lineFilter, .json, .jsonPaths, .logfmt, .pattern, .regexp, .decolorize: []
        case .labelFilter(let filter): filter.names
        case .lineFormat(let template): template.fields
        case .labelFormat(let list): Self.names(list)
        case .unpack, .drop, .keep: nil
        }
    }
}

extension CompiledStage {
    /// The labels that formats look at; nil when they may look at any.
    private static func names(_ list: [(name: String, value: LabelValue)]) -> [String]? {
        var names: [String] = []
        for item in list {
            switch item.value {
            case .label(let source): names.append(source)
            case .arithmetic(let arithmetic): names += arithmetic.names
            case .template(let template):
                guard let fields = template.fields else { return nil }
                names += fields
            }
        }
        return names
    }
}

/// What a row is while the stages work on it.
struct Row {
    var timestamp: Int64
    /// A line that a stage has made; nil while it is the stored one.
    var newLine: [UInt8]?
    var labels: RowLabels
}

extension CompiledStage {
    /// Expressions of a parser replace what parsers before them found, so they always run.
    private var replacesLabels: Bool {
        switch self {
        case .jsonPaths: true
        case .logfmt(let stage): !stage.fields.isEmpty
        default: false
        }
    }

    /// Runs the stage on a row; false drops it.
    func run(_ row: inout Row, _ line: UnsafeRawBufferPointer, _ demand: ParserDemand) -> Bool {
        if isParser, !replacesLabels, demand.isMet(by: row.labels) { return true }
        switch self {
        case .lineFilter(let stage): return stage.passes(line)
        case .json(let stage): stage.run(line, &row.labels, demand)
        case .jsonPaths(let stage): stage.run(line, &row.labels)
        case .logfmt(let stage): stage.run(line, &row.labels, demand)
        case .pattern(let stage): stage.run(line, &row.labels, demand)
        case .regexp(let stage): stage.run(line, &row.labels, demand)
        case .unpack(let stage):
            if let entry = stage.run(line, &row.labels) { row.newLine = entry }
        case .labelFilter(let stage): return stage.passes(&row.labels)
        case .lineFormat(let template):
            do throws(TemplateError) {
                row.newLine = try template.render(row.labels.input(line, row.timestamp))
            } catch { row.labels.fail(Self.templateError, error.message) }
        case .labelFormat(let list): Self.format(list, &row, line)
        case .decolorize(let regexp):
            row.newLine =
                regexp.replacing(in: Array(line), with: [], expanding: false) ?? Array(line)
        case .drop(let list):
            for selection in list where Self.selects(selection, row.labels) {
                row.labels.remove(selection.name)
            }
        case .keep(let list):
            for name in row.labels.names
            where !list.contains(where: { $0.name == name && Self.selects($0, row.labels) }) {
                row.labels.remove(name)
            }
        }
        return true
    }

    private static let templateError = "TemplateFormatErr"

    private static func selects(_ selection: LabelSelection, _ labels: RowLabels) -> Bool {
        selection.matcher.map { $0.matches(labels[selection.name] ?? "") } ?? true
    }

    /// Renames happen one after the other; templates see the labels as the first of them found them.
    private static func format(
        _ list: [(name: String, value: LabelValue)], _ row: inout Row,
        _ line: UnsafeRawBufferPointer
    ) {
        var seen: RowLabels?
        for (name, value) in list {
            switch value {
            case .label(let source):
                if let value = row.labels[source] {
                    row.labels.remove(source)
                    row.labels.set(name, value)
                }
            case .arithmetic(let arithmetic):
                do throws(PipelineError) {
                    if let value = try arithmetic.value(row.labels) {
                        row.labels.set(name, LogQLPrinter.number(value))
                    }
                } catch { row.labels.fail("LabelFormatErr", error.message) }
            case .template(let template):
                let labels = seen ?? row.labels
                seen = labels
                do throws(TemplateError) {
                    let text = try template.render(labels.input(line, row.timestamp))
                    row.labels.set(name, String(decoding: text, as: UTF8.self))
                } catch { row.labels.fail(Self.templateError, error.message) }
            }
        }
    }
}

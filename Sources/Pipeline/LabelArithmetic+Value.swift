import LogModel
import LogQL

/// Calculating with the labels of a row.
extension LabelArithmetic {
    var names: [String] {
        switch self {
        case .number: []
        case .label(let name, _): [name]
        case .operation(_, let a, let b): a.names + b.names
        }
    }

    /// Nil when a label is missing: then there is nothing to say. A label that is there and cannot
    /// be read is an error.
    func value(_ labels: RowLabels) throws(PipelineError) -> Double? {
        switch self {
        case .number(let value): return value
        case .label(let name, let conversion):
            guard let text = labels[name], !text.isEmpty else { return nil }
            guard let value = SampleValue.convert(text, conversion) else {
                throw PipelineError("cannot calculate with \(quoted(text)) of label \(name)")
            }
            return value
        case .operation(let op, let a, let b):
            guard let a = try a.value(labels), let b = try b.value(labels) else { return nil }
            return op.apply(a, b)
        }
    }
}

import Bytes

/// The fields of an event's header where they lie in its text, until somebody needs them: as values of
/// their own they would cost more than all else that is done for an event.
package struct HeaderFields: Sendable {
    private let names: Names
    private let spans: [HeaderSpan]

    /// What each step of a layout is called, as far as it is metadata.
    package final class Names: Sendable {
        fileprivate struct Name {
            let name: CompiledLayout.FieldName
            let width: FieldWidth
            /// Of `name.own`.
            let keys: [JSONKey]

            init(_ name: CompiledLayout.FieldName, _ width: FieldWidth) {
                self.name = name
                self.width = width
                keys = name.own.map { JSONKey($0) }
            }
        }

        /// By step.
        private let names: [Name?]

        /// Nil for a layout that has fields whose names stand in the text, or two of one name: which of
        /// them counts depends on all of them.
        ///
        /// `taken`: names that something else has.
        package init?(_ layout: CompiledLayout, except taken: [String]) {
            guard layout.trailing == nil else { return nil }
            var seen: [String] = []
            var names: [Name?] = []
            for step in layout.steps {
                guard let name = step.named else {
                    names.append(nil)
                    continue
                }
                guard !name.name.isOfApplication else { return nil }
                let own = name.name.own
                guard seen.allSatisfy({ !own.contains($0) }) else { return nil }
                seen += own
                let isTaken = own.contains { taken.contains($0) }
                // Of a pair of ids one may be taken: then each is looked at.
                if isTaken, own.count > 1 { return nil }
                names.append(isTaken ? nil : name)
            }
            self.names = names
        }

        fileprivate subscript(step: Int) -> Name? { names[step] }
    }

    /// Nil for an event without a header of the layout.
    package init?(_ event: FileEvent, _ names: Names) {
        guard !event.spans.isEmpty else { return nil }
        self.names = names
        spans = event.spans
    }

    /// Calls `body` with each name and its value in the event's text; those that are not empty.
    package func forEach(
        in text: [UInt8], _ body: (JSONKey, UnsafeRawBufferPointer) -> Void
    ) {
        text.withUnsafeBytes { forEach(in: $0, body) }
    }

    private func forEach(
        in text: UnsafeRawBufferPointer, _ body: (JSONKey, UnsafeRawBufferPointer) -> Void
    ) {
        var left = FieldValues.maxFields
        for span in spans {
            guard let name = names[span.step] else { continue }
            let range = CompiledLayout.unpadded(text, span.range, name.width)
            FieldValues.forEach(UnsafeRawBufferPointer(rebasing: text[range]), named: name.name) {
                guard left > 0 else { return }
                left -= 1
                body(name.keys[$0], $1)
            }
        }
    }
}

extension CompiledLayout.Step {
    fileprivate var named: HeaderFields.Names.Name? {
        switch self {
        case .field(let field):
            field.name.map { HeaderFields.Names.Name($0, field.width) }
        case .optionalBrackets(let name): name.map { HeaderFields.Names.Name($0, FieldWidth()) }
        default: nil
        }
    }
}

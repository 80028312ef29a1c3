/// Why a template cannot be compiled, or not be rendered for a row.
package struct TemplateError: Error, Equatable, Sendable {
    package let message: String
    package init(_ message: String) { self.message = message }
}

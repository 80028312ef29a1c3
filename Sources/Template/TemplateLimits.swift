/// What one rendering may cost. Templates are written by whoever may ask, and what they repeat, they
/// repeat for every row.
enum TemplateLimits {
    /// Bytes of one value, and of the line that comes out: four of the longest lines that a server
    /// takes by default.
    static let valueBytes = 1024 * 1024
    /// Bytes that functions may take and give in all: some milliseconds.
    static let workBytes = 4 * 1024 * 1024
    /// Nodes and calls, for loops inside loops.
    static let steps = 100_000
    /// Templates inside each other.
    static let depth = 64

    static func tooLarge(_ what: String) -> TemplateError {
        TemplateError("error calling \(what): more than \(valueBytes) bytes")
    }
}

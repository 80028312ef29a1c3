/// What a source's `exclude` means: paths, and names without a folder, wherever they stand.
struct Exclusion: Sendable {
    private let paths: [Glob]
    private let names: [String]

    init(_ patterns: [String]) {
        paths = patterns.filter { $0.contains("/") }.map { Glob($0) }
        names = patterns.filter { !$0.contains("/") }
    }

    func excludes(_ path: String, _ name: String) -> Bool {
        paths.contains { $0.matches(path: path) } || names.contains { Glob.matches($0, name) }
    }
}

import Logback
import Regexp

/// One group of files and how to read them.
package struct SourceGroup: Sendable {
    package enum LevelPlace: String, Sendable { case label, metadata, none }
    /// A value taken from the text of an event.
    package struct Field: Sendable {
        let name: String
        let regexp: Regexp
        let isLabel: Bool
    }
    package var paths: [String]
    /// What files of the paths are rolled to, where their own names do not tell it: of these, what was
    /// rolled before the agent's first start is history.
    package var rolledPaths: [String] = []
    package var exclude: [String] = []
    package var labels: [String: String] = [:]
    package var layout = LayoutRule.automatic
    package var zone = ZoneRule.local
    /// Nil: UTF-8, unless a mark in front of a file tells UTF-16.
    package var encoding: TextEncoding?
    package var format = SourceFormat.auto
    package var level = LevelPlace.metadata
    package var fields: [Field] = []
    /// Entries with a stack trace get its exception, root cause, hash and first own frame.
    package var describesTraces = true
    package var ownPackages = OwnPackages()
    package var rules = EntryRules()
    /// When the application deletes what it has rolled.
    package var retention: RollRetention?

    package init(paths: [String]) { self.paths = paths }

    /// Tells a source of agent.yaml from others, by what it asks for, as long as that is not changed.
    var key: String {
        // Of long lists a fingerprint has the beginning only: it is taken of each.
        let lists = [paths, rolledPaths, exclude].map { $0 + [""] }
        return lists.joined().reduce("") { Fingerprint("\($0)\n\($1)".utf8).hex }
    }

    /// Of the paths, `-` stands for standard input, which is kept in the agent's state folder.
    mutating func nameInput(state: String) {
        paths = paths.map { $0 == "-" ? StandardInput.pattern(state) : $0 }
    }
}

import Foundation
import LogModel
import Logback
import Regexp
import Yams

/// What an agent is told, by agent.yaml or by flags.
package struct AgentConfiguration: Sendable {
    /// Where entries go, when `outputs` names none.
    package var output = Output(name: "server")
    /// Several, or one with a name. Each is shipped to by an agent of its own (`agents`).
    package var outputs: [Output] = []
    /// False for one of several outputs.
    var isAlone = true
    /// Folder of what the agent must remember.
    package var state: String
    package var labels: [String: String] = [:]
    package var host: String = ProcessInfo.processInfo.hostName
    package var metricsListen: String?
    package var groups: [SourceGroup] = []
    /// Text of one batch, in bytes, and how long it may wait.
    package var batchBytes = 1_000_000
    package var batchAgeSeconds = 1.0
    /// Files that may be open at once; nil: as many as the process may open.
    package var maxOpenFiles: Int?
    /// How long the unread rest of a file that is gone or truncated is looked for before it counts
    /// as lost: a rolled file is packed within that time.
    package var searchSeconds = 60.0
    /// Bytes of deleted files that may be kept on their disk by being open and unread; beyond it their
    /// rest is moved, packed, to the spool in the state folder, which may take `spoolBytes`.
    package var pinnedBytes: Int64 = 1 << 30
    package var spoolBytes: Int64 = 2 << 30
    /// Scales the pauses after which a file counts as quiet, and the first before a push is tried
    /// again. Below 1 for tests, whose writers never stop for breath.
    package var patience = 1.0

    package init(server: String, state: String) {
        self.state = state
        self.server = server
    }

    /// `http://HOST:PORT`.
    package var server: String {
        get { output.server }
        set { output.server = newValue }
    }

    package var tenant: String? {
        get { output.tenant }
        set { output.tenant = newValue }
    }

    /// Throws when something is missing or cannot be.
    package func validate() throws(AgentError) {
        try validateOutputs()
        if FileIdentity.isFolder(state) == false {
            throw .configuration("state: \(state) is no folder")
        }
        if groups.allSatisfy({ $0.paths.isEmpty }) {
            throw .configuration(
                "no files to follow: name them in `sources: - paths:` or as arguments")
        }
        var names = Array(labels.keys)
        for group in groups { names.append(contentsOf: group.labels.keys) }
        for name in names {
            if let fault = Self.fault(ofLabel: name) { throw .configuration(fault) }
        }
        for group in groups { try validateFields(of: group) }
        for output in outputs where output.kind == .file { try validateIsNotFollowed(output) }
    }

    /// What the agent writes must not be what it reads: each line would come back as a longer one, for ever.
    private func validateIsNotFollowed(_ output: Output) throws(AgentError) {
        for group in groups {
            let isExcluded = Exclusion(group.exclude).excludes(
                output.path, FollowedFile.split(output.path).name)
            let pattern = (group.paths + group.rolledPaths).first {
                $0 != "-" && Glob($0).reaches(output.path)
            }
            guard let pattern, !isExcluded else { continue }
            throw .configuration(
                "outputs: \(output.name): path: \(output.path) is one of the files that are followed "
                    + "(\(pattern)): choose another folder, or name it in the source's exclude")
        }
    }

    private func validateOutputs() throws(AgentError) {
        guard !outputs.isEmpty else { return try output.validate("") }
        if let outputsFault { throw .configuration(outputsFault) }
        var names: Set<String> = []
        for one in outputs {
            try one.validate("outputs: \(one.name): ")
            guard names.insert(one.name).inserted else {
                throw .configuration("outputs: \(Self.twoOutputs(one.name))")
            }
        }
        guard outputs.count == 1 || !groups.contains(where: { $0.paths.contains("-") }) else {
            throw .configuration("standard input can go to one output only")
        }
    }

    /// What is wrong with `outputs` beside the rest of the configuration.
    var outputsFault: String? {
        guard !outputs.isEmpty, output != Output(name: output.name) else { return nil }
        return "server, tenant and what else tells of a server stand in `outputs:`, or outside of "
            + "it when there is one server alone: keep one of the two"
    }

    static func twoOutputs(_ name: String) -> String { "two are called \(name): give them names" }

    /// A name that nobody accepts, or that something else has, would make every entry be refused.
    private func validateFields(of group: SourceGroup) throws(AgentError) {
        let taken = Set(labels.keys).union(group.labels.keys).union(["host"])
        var seen: Set<String> = []
        for field in group.fields {
            let key = "sources: fields: name: \"\(field.name)\""
            if taken.contains(field.name) {
                throw .configuration(
                    "\(key): every entry has a label of that name already; choose another name")
            }
            guard seen.insert(field.name).inserted else {
                throw .configuration("\(key): given twice; one field may have alternatives: (a|b)")
            }
        }
    }

    /// Why nobody accepts the name of a label or of metadata; nil for a good one.
    static func fault(ofLabel name: String) -> String? {
        isLabelName(name)
            ? nil : "label \"\(name)\": letters, digits and _ only, no digit in front, not _ alone"
    }

    private static func isLabelName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(48...57).contains(first),
            name.utf8.contains(where: { $0 != UInt8(ascii: "_") })
        else { return false }
        return name.utf8.allSatisfy {
            $0 == 95 || (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
        }
    }
}

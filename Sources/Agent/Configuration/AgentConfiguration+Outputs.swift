import Foundation

/// Where the agents of several outputs keep what they must remember:
///
///     STATE/             of one output: the only one, or the first that there was
///     STATE/output       its name, once there are others
///     STATE/outputs/NAME of each other
///
/// So an output that is added or taken away changes nothing for those that stay.
extension AgentConfiguration {
    private static func owner(_ state: String) -> String { state + "/output" }

    /// One for each output. Throws when the state folder cannot be written.
    package func perOutput() throws(AgentError) -> [AgentConfiguration] {
        guard let first = outputs.first else { return [self] }
        var owner = FileManager.default.contents(atPath: Self.owner(state)).map {
            String(decoding: $0, as: UTF8.self)
        }
        if owner == nil, outputs.count > 1 {
            owner = first.name
            do {
                try FileManager.default.createDirectory(
                    atPath: state, withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o750])
            } catch { throw .state("creating \(state): \(error.localizedDescription)") }
            try StateFile.replace(Self.owner(state), with: Array(first.name.utf8))
        }
        return outputs.map { output in
            var one = self
            one.output = output
            one.outputs = []
            one.isAlone = outputs.count == 1
            if let owner, owner != output.name { one.state = Self.folder(output.name, state) }
            return one
        }
    }

    private static func folder(_ name: String, _ state: String) -> String {
        "\(state)/outputs/\(name)"
    }

    /// The state folders below one: itself, and those of further outputs, with their names.
    package static func stateFolders(_ state: String) -> [(output: String?, folder: String)] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: state + "/outputs")) ?? []
        guard !names.isEmpty else { return [(nil, state)] }
        let owner = FileManager.default.contents(atPath: owner(state)).map {
            String(decoding: $0, as: UTF8.self)
        }
        return [(owner, state)] + names.sorted().map { ($0, folder($0, state)) }
    }
}

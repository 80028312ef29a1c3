import Foundation
import Logback

/// What is likely to be wrong with a configuration that is valid: a sentence each.
package enum ConfigurationCheck {
    /// Different values in what was looked at, from which on a label makes too many streams.
    private static let manyValues = 50
    /// Of each file, its end; of each pattern, so many files.
    private static let lookedAtBytes = 1 << 20
    private static let lookedAtFiles = 5

    /// `config`: the file, when there is one. Valid configurations only.
    package static func warnings(
        _ configuration: AgentConfiguration, config: String?
    ) -> [String] {
        var warnings: [String] = []
        let outputs = configuration.outputs.isEmpty ? [configuration.output] : configuration.outputs
        for output in outputs { warnings += care(of: output, config: config) }
        for group in configuration.groups { warnings += reach(of: group) + reading(of: group) }
        warnings += shared(configuration.groups)
        warnings += writing(to: configuration.state)
        return warnings
    }

    /// Patterns that stand in two sources: a file has the labels of one.
    private static func shared(_ groups: [SourceGroup]) -> [String] {
        var seen: Set<String> = []
        var told: Set<String> = []
        for pattern in groups.flatMap({ Set($0.paths) }) where !seen.insert(pattern).inserted {
            told.insert(pattern)
        }
        return told.sorted().map {
            "\($0) stands in several sources: the first of them has its files"
        }
    }

    private static func care(of output: Output, config: String?) -> [String] {
        var warnings: [String] = []
        if output.access.tls?.skipsVerification == true {
            warnings.append(
                "\(output.name): insecure_skip_verify: anybody on the way can read and change what "
                    + "is sent; name the server's authority in ca_file instead")
        }
        switch output.credentials?.secret {
        case .text:
            if let config, isReadableByOthers(config) {
                warnings.append(
                    "\(config) holds a secret of \(output.name) and can be read by everybody: "
                        + "chmod o-r it, or keep the secret in a file of its own")
            }
            if output.server.hasPrefix("http://") { warnings.append(openly(output)) }
        case .file(let path):
            if isReadableByOthers(path) {
                warnings.append("\(path) holds a secret and can be read by everybody: chmod o-r it")
            }
            if output.server.hasPrefix("http://") { warnings.append(openly(output)) }
        case nil: break
        }
        if output.kind == .file {
            let folder = FollowedFile.split(output.path).folder
            if FileIdentity.isFolder(output.path) == true {
                warnings.append("\(output.name): \(output.path) is a folder: name a file in it")
            } else if access(folder.isEmpty ? "/" : folder, W_OK | X_OK) != 0 {
                warnings.append(
                    "\(output.name): nothing can be written into \(folder): "
                        + String(cString: strerror(errno)))
            }
        }
        if let key = output.access.tls?.keyFile, isReadableByOthers(key) {
            warnings.append("\(key) is a private key and can be read by everybody: chmod o-r it")
        }
        return warnings
    }

    private static func openly(_ output: Output) -> String {
        "\(output.name): the secret goes to \(output.server) as clear text: use https://"
    }

    private static func isReadableByOthers(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & 0o004 != 0
    }

    private static func reach(of group: SourceGroup) -> [String] {
        var warnings: [String] = []
        for pattern in group.paths where pattern != "-" {
            var found: [String] = []
            var isAny = false
            for path in files(pattern) {
                isAny = true
                if access(path, R_OK) != 0 {
                    warnings.append(
                        "\(path) cannot be read: \(String(cString: strerror(errno))); give the "
                            + "agent's user or one of its groups the right")
                } else {
                    found.append(path)
                }
            }
            if !isAny { warnings.append("\(pattern): no file has such a name now") }
            warnings += values(of: group, in: found.suffix(lookedAtFiles))
        }
        return warnings
    }

    /// What of a layout and of rules is likely to be a slip of the pen.
    private static func reading(of group: SourceGroup) -> [String] {
        let words = group.layout.compiled?.remarks ?? []
        return words.map { "layout of \(group.paths.joined(separator: ", ")): \($0)" }
            + group.rules.sample.keys.sorted().filter { !LayoutRule.isLevel($0) }.map {
                "sample: \"\($0)\" is no level of Logback, Log4j, java.util.logging or nginx: entries "
                    + "that call themselves so are sampled, and no others"
            }
    }

    private static func files(_ pattern: String) -> [String] {
        var found: [String] = []
        Glob(pattern).forEachFolder { _ in
        } body: { folder, names, name, isDated in
            // Folders of dates hold what was rolled.
            guard !isDated else { return }
            found += names.filter { Glob.matches(name, $0) }.map { folder + "/" + $0 }
        }
        return found.sorted()
    }

    /// Labels by expressions that have more values than labels should.
    private static func values(of group: SourceGroup, in files: ArraySlice<String>) -> [String] {
        let fields = group.fields.filter(\.isLabel)
        guard !fields.isEmpty else { return [] }
        var values: [String: Set<String>] = [:]
        for path in files {
            let descriptor = open(path, O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { continue }
            defer { close(descriptor) }
            let size = FileIdentity.status(of: descriptor)?.size ?? 0
            let bytes = FileContent.read(
                descriptor, at: max(0, size - Int64(lookedAtBytes)), count: lookedAtBytes)
            for line in bytes.split(separator: 0x0a) {
                for field in fields {
                    guard let value = field.value(in: Array(line)) else { continue }
                    values[field.name, default: []].insert(value)
                }
            }
        }
        return values.filter { $0.value.count > manyValues }.sorted { $0.key < $1.key }.map {
            "label \($0.key) has \($0.value.count) values in the last "
                + "\(lookedAtBytes >> 20) MiB of \(files.first ?? ""): each makes a stream of its "
                + "own; `as: metadata` keeps it findable without"
        }
    }

    private static func writing(to state: String) -> [String] {
        var folder = state
        while !folder.isEmpty, folder != "/", access(folder, F_OK) != 0 {
            folder = FollowedFile.split(folder).folder
        }
        guard access(folder.isEmpty ? "/" : folder, W_OK) != 0 else { return [] }
        return ["state: \(state) cannot be written by this user"]
    }
}

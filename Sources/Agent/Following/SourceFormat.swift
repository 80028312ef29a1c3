import Foundation
import LogModel
import Logback

/// What kind of file a source is: `format:` of a source, or guessed from its path and first bytes.
package enum SourceFormat: String, Sendable, CaseIterable {
    /// Guessed, file by file.
    case auto
    /// Lines of the application itself, whatever they look like.
    case plain
    case docker, cri
    /// Logs by name, whose lines the automatic layout knows: access and error log, `catalina.out`.
    case nginx, tomcat

    package static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

    /// How the lines of a file that begins so are wrapped.
    package func envelope(path: String, head: [UInt8]) -> ContainerEnvelope? {
        switch self {
        case .docker: return .docker
        case .cri: return .cri
        case .plain, .nginx, .tomcat: return nil
        case .auto:
            if ContainerPath.isDocker(path) { return .docker }
            return ContainerEnvelope.guess(head: head)
        }
    }
}

/// What the path of a container's log tells:
///
///     /var/log/pods/NAMESPACE_POD_UID/CONTAINER/0.log
///     /var/log/containers/POD_NAMESPACE_CONTAINER-ID.log
///     /var/lib/docker/containers/ID/ID-json.log
enum ContainerPath {
    private static let idLength = 64
    /// As much of an id as Docker shows.
    private static let shownLength = 12
    /// Docker's file on a container takes a few KiB.
    private static let maxConfigurationBytes = 1_000_000

    static func isDocker(_ path: String) -> Bool { dockerID(path) != nil }

    private static func dockerID(_ path: String) -> String? {
        let parts = path.split(separator: "/").suffix(2).map(String.init)
        guard parts.count == 2, isID(parts[0]), parts[1].hasPrefix(parts[0] + "-json.log") else {
            return nil
        }
        return parts[0]
    }

    private static func isID(_ text: String) -> Bool {
        text.utf8.count == idLength && text.allSatisfy(\.isHexDigit)
    }

    static func labels(_ path: String) -> [Label] {
        if let id = dockerID(path) {
            var labels = [Label("container_id", String(id.prefix(shownLength)))]
            if let name = dockerName(FollowedFile.split(path).folder) {
                labels.append(Label("container", name))
            }
            return labels
        }
        let parts = path.split(separator: "/").map(String.init)
        if parts.count >= 3 {
            let pod = parts[parts.count - 3].split(separator: "_").map(String.init)
            if pod.count == 3, parts.dropLast(3).last == "pods" {
                return [
                    Label("namespace", pod[0]), Label("pod", pod[1]),
                    Label("container", parts[parts.count - 2]),
                ]
            }
        }
        if parts.count >= 2, parts[parts.count - 2] == "containers", let name = parts.last {
            let pod = name.split(separator: "_").map(String.init)
            guard pod.count == 3, let dash = pod[2].lastIndex(of: "-") else { return [] }
            return [
                Label("namespace", pod[1]), Label("pod", pod[0]),
                Label("container", String(pod[2][..<dash])),
            ]
        }
        return []
    }

    private static func dockerName(_ folder: String) -> String? {
        struct Configuration: Decodable { let Name: String }
        let path = folder + "/config.v2.json"
        guard let status = FileIdentity.status(of: path), status.size < maxConfigurationBytes,
            let data = FileManager.default.contents(atPath: path),
            let found = try? JSONDecoder().decode(Configuration.self, from: data)
        else { return nil }
        let name = found.Name.hasPrefix("/") ? String(found.Name.dropFirst()) : found.Name
        return name.isEmpty ? nil : name
    }
}

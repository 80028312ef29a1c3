import Foundation
import LogModel
import LogQL
import Logging
import Yams

/// Reads `server.yaml` over a configuration. Keys are Loki's where Loki has them, so that a file of
/// Loki's can be taken over: its sections and limits that mean nothing here are collected in
/// `ignoredNames` for a warning. A key of our own that nobody knows is an error with its line.
package struct ConfigurationFile {
    private let path: String
    private var configuration: ServerConfiguration

    /// Errors: a file that cannot be read, is no YAML, or says something that is not understood.
    package static func read(
        _ path: String, over configuration: ServerConfiguration = ServerConfiguration()
    ) throws(ConfigurationError) -> ServerConfiguration {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw ConfigurationError("cannot be read", file: path)
        }
        return try parse(String(decoding: data, as: UTF8.self), path: path, over: configuration)
    }

    package static func parse(
        _ text: String, path: String,
        over configuration: ServerConfiguration = ServerConfiguration()
    ) throws(ConfigurationError) -> ServerConfiguration {
        var file = ConfigurationFile(path: path, configuration: configuration)
        let root: Node?
        do { root = try Yams.compose(yaml: text) } catch let error as YamlError {
            throw ConfigurationError("\(error)", file: path)
        } catch {
            throw ConfigurationError("\(error)", file: path)
        }
        guard let root, root.null == nil else { return configuration }
        try file.pairs(root, "the file") { (key, value, file) throws(ConfigurationError) in
            try file.top(key, value)
        }
        return file.configuration
    }

    private func wrong(_ what: String, _ node: Node) -> ConfigurationError {
        ConfigurationError(what, file: path, line: node.mark?.line)
    }

    private mutating func pairs(
        _ node: Node, _ what: String,
        _ take: (Node, Node, inout ConfigurationFile) throws(ConfigurationError) -> Void
    ) throws(ConfigurationError) {
        if node.null != nil, node.scalar?.string.isEmpty != false { return }
        guard let mapping = node.mapping else { throw wrong("\(what) must be a mapping", node) }
        for (key, value) in mapping { try take(key, value, &self) }
    }

    private mutating func top(_ key: Node, _ value: Node) throws(ConfigurationError) {
        switch key.string ?? "" {
        case "listen":
            do { try configuration.listen(try text(value)) } catch {
                throw wrong(error.message, value)
            }
        case "data": configuration.data = try text(value)
        case "auth_enabled": configuration.authEnabled = try flag(value)
        case "max_disk_size": configuration.maxDiskBytes = try bytes(value)
        case "log_level":
            guard let level = Logger.Level(rawValue: try text(value)) else {
                throw wrong(
                    "log_level must be one of trace, debug, info, notice, warning, error", value)
            }
            configuration.logLevel = level
        case "limits_config":
            try pairs(value, "limits_config") { (key, value, file) throws(ConfigurationError) in
                try file.limit(key, value)
            }
        case "storage":
            try pairs(value, "storage") { (key, value, file) throws(ConfigurationError) in
                try file.storage(key, value)
            }
        case let name where Self.lokiSections.contains(name):
            configuration.ignoredNames.append(name)
        case let name: throw wrong("unknown key '\(name)'", key)
        }
    }

    /// Sections and settings at the top of Loki's file whose parts do not exist here.
    private static let lokiSections: Set<String> = [
        "analytics", "ballast_bytes", "block_builder", "bloom_build", "bloom_gateway",
        "chunk_store_config", "common", "compactor", "compactor_client", "compactor_grpc_client",
        "dataobj", "distributor", "frontend", "frontend_worker", "http_prefix", "index_gateway",
        "ingest_limits", "ingest_limits_frontend", "ingest_limits_frontend_client", "ingester",
        "ingester_client", "ingester_rf1", "kafka_config", "memberlist", "metastore",
        "metastore_client", "metrics_namespace", "operational_config", "overrides_exporter",
        "pattern_ingester", "profiling", "querier", "query_engine", "query_range",
        "query_scheduler", "ruler", "ruler_storage", "runtime_config", "schema_config", "server",
        "shutdown_delay", "storage_config", "table_manager", "target", "tenant_limits", "tracing",
        "ui",
    ]

    private mutating func storage(_ key: Node, _ value: Node) throws(ConfigurationError) {
        switch key.string ?? "" {
        case "compact_after": configuration.level0AgeSeconds = try wholeSeconds(value)
        case "segment_size": configuration.level2Bytes = try bytes(value)
        case "cache_size": configuration.cacheBytes = try bytes(value)
        case "chunk_cache_size": configuration.chunkCacheBytes = try bytes(value)
        case let name: throw wrong("unknown key 'storage.\(name)'", key)
        }
    }

    private mutating func limit(_ key: Node, _ value: Node) throws(ConfigurationError) {
        let name = key.string ?? ""
        if name == "retention_stream" { return try retention(value) }
        guard let field = Limits.fields[name] else {
            configuration.ignoredNames.append("limits_config.\(name)")
            return
        }
        switch field {
        case .count(let path): configuration.limits[keyPath: path] = try count(value)
        case .bytes(let path): configuration.limits[keyPath: path] = try bytes(value)
        case .seconds(let path): configuration.limits[keyPath: path] = try wholeSeconds(value)
        case .span(let path): configuration.limits[keyPath: path] = try seconds(value)
        case .number(let path):
            guard let number = Double(try text(value)), number.isFinite, number >= 0 else {
                throw wrong("\(name) must be a number", value)
            }
            configuration.limits[keyPath: path] = number
        case .flag(let path): configuration.limits[keyPath: path] = try flag(value)
        case .list(let path): configuration.limits[keyPath: path] = try list(value)
        }
        // Offsets of lines in a push are 32-bit numbers.
        guard configuration.limits.maxDecompressedSize <= 1 << 30 else {
            throw wrong("max_decompressed_size may be 1GB at most", value)
        }
    }

    private mutating func retention(_ node: Node) throws(ConfigurationError) {
        guard let rules = node.sequence else {
            throw wrong("retention_stream must be a list", node)
        }
        for rule in rules {
            var read = RetentionRule(selector: "", priority: 0, periodSeconds: 0)
            guard let mapping = rule.mapping else {
                throw wrong("a rule of retention_stream must be a mapping", rule)
            }
            for (key, value) in mapping {
                switch key.string ?? "" {
                case "selector": read.selector = try text(value)
                case "priority": read.priority = try count(value)
                case "period": read.periodSeconds = try wholeSeconds(value)
                case let name: throw wrong("unknown key '\(name)' in retention_stream", key)
                }
            }
            do { _ = try LogQLParser.parseSelector(read.selector) } catch {
                throw wrong("selector of retention_stream: \(error.message)", rule)
            }
            guard read.periodSeconds > 0 else {
                throw wrong("a rule of retention_stream needs a period", rule)
            }
            configuration.limits.retentionStreams.append(read)
        }
    }

    // Values.

    private func text(_ node: Node) throws(ConfigurationError) -> String {
        guard let text = node.scalar?.string else {
            throw wrong("a single value is expected", node)
        }
        return text
    }

    private func flag(_ node: Node) throws(ConfigurationError) -> Bool {
        switch try text(node) {
        case "true": return true
        case "false": return false
        case let other: throw wrong("'\(other)' is neither true nor false", node)
        }
    }

    private func count(_ node: Node) throws(ConfigurationError) -> Int {
        let text = try text(node)
        guard let value = Int(text), (0...1_000_000_000).contains(value) else {
            throw wrong("'\(text)' is no count", node)
        }
        return value
    }

    private func bytes(_ node: Node) throws(ConfigurationError) -> Int {
        let text = try text(node)
        guard let value = QuantityText.bytes(text) else {
            throw wrong("'\(text)' is no size: write 262144 or 256KB", node)
        }
        return value
    }

    /// Rounded up: 0 means no bound at all, and that is not what a part of a second says.
    private func wholeSeconds(_ node: Node) throws(ConfigurationError) -> Int {
        Int(try seconds(node).rounded(.up))
    }

    private func seconds(_ node: Node) throws(ConfigurationError) -> Double {
        let text = try text(node)
        guard let value = QuantityText.seconds(text) else {
            throw wrong("'\(text)' is no duration: write 7d, 12h or 90s", node)
        }
        return value
    }

    /// A YAML list, or one text with commas.
    private func list(_ node: Node) throws(ConfigurationError) -> [String] {
        if let items = node.sequence {
            var texts: [String] = []
            for item in items { texts.append(try text(item)) }
            return texts
        }
        return try text(node).split(separator: ",").map { $0.drop { $0 == " " } }.map(String.init)
    }
}

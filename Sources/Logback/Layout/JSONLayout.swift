import Bytes
import LogModel

/// What the JSON lines of an encoder call thread, logger and the keys of the diagnostic context.
/// Nested objects are known by dotted names: `{"log":{"level":…}}` is `log.level`.
package struct JSONLayout: Sendable, Equatable {
    package enum Encoder: String, Sendable, CaseIterable {
        /// logstash-logback-encoder; Spring Boot's `logstash`.
        case logstash
        /// Elastic's encoder; Spring Boot's `ecs`.
        case ecs
        /// Spring Boot's `gelf`, logback-gelf.
        case gelf
        /// Logback's own JsonEncoder.
        case logback
    }

    /// Names that a configuration may change.
    package enum Role: String, Sendable, CaseIterable {
        case timestamp, level, thread, logger, message, stack, mdc, marker
    }

    package let encoder: Encoder
    /// Names that differ from those the encoder has by itself.
    package let names: [Role: String]
    /// Dotted names as they stand in the line, and as what they are kept; "" for those that are not.
    private let known: [String: String]
    /// In front of keys of the context, and left out.
    private let containers: [String]
    /// What begins so is not kept.
    private let ignoredPrefixes: [String]
    /// Keys that nobody knows are those of the context.
    private let keepsOthers: Bool

    package init(_ encoder: Encoder, names: [Role: String] = [:]) {
        self.encoder = encoder
        self.names = names
        var known: [String: String] = [:]
        for (role, usual) in Self.usual[encoder] ?? [:] {
            for name in usual { known[name] = Self.kept[role] ?? "" }
        }
        for name in Self.ignored[encoder] ?? [] { known[name] = "" }
        for (role, name) in names where role != .mdc { known[name] = Self.kept[role] ?? "" }
        self.known = known
        var containers = encoder == .logback ? ["mdc."] : encoder == .ecs ? ["labels."] : []
        if let mdc = names[.mdc] { containers.insert(mdc + ".", at: 0) }
        self.containers = containers
        ignoredPrefixes = Self.prefixes[encoder] ?? []
        keepsOthers = encoder != .logback
    }

    /// Time and level are taken elsewhere, message and trace stay in the text.
    private static let kept: [Role: String] = [
        .thread: "thread", .logger: "logger", .marker: "marker",
    ]

    private static let usual: [Encoder: [Role: [String]]] = [
        .logstash: [
            .timestamp: ["@timestamp"], .level: ["level"], .thread: ["thread_name"],
            .logger: ["logger_name"], .message: ["message"], .stack: ["stack_trace"],
        ],
        .ecs: [
            .timestamp: ["@timestamp"], .level: ["log.level"],
            .thread: ["process.thread.name"], .logger: ["log.logger"], .message: ["message"],
            .stack: ["error.stack_trace"],
        ],
        .gelf: [
            .timestamp: ["timestamp"], .level: ["level", "_level_name"],
            .thread: ["_process_thread_name", "_thread_name"],
            .logger: ["_log_logger", "_logger_name"], .message: ["short_message"],
            .stack: ["full_message"],
        ],
        .logback: [
            .timestamp: ["timestamp"], .level: ["level"], .thread: ["threadName"],
            .logger: ["loggerName"], .message: ["message", "formattedMessage"],
        ],
    ]
    private static let ignored: [Encoder: Set<String>] = [
        .logstash: ["@version", "level_value", "stack_hash", "sequence"],
        .ecs: ["ecs.version", "process.pid"],
        .gelf: ["version", "host", "_process_pid", "_stacktrace"],
        .logback: [],
    ]
    private static let prefixes: [Encoder: [String]] = [
        .logstash: ["caller_"], .ecs: ["error.", "service.", "event.", "log.origin"],
        .gelf: ["_error_", "_service_"], .logback: [],
    ]

    /// Objects within objects that are looked into; what lies deeper is not metadata.
    private static let maxDepth = 4
    /// Keys of one line that are looked at: encoders write a few dozen.
    static let maxKeys = 512

    package func fields(of line: UnsafeRawBufferPointer) -> [Label] {
        var labels: [Label] = []
        var keys = 0
        collect(line, prefix: "", depth: 0, &keys, &labels)
        return labels
    }

    private func collect(
        _ object: UnsafeRawBufferPointer, prefix: String, depth: Int, _ keys: inout Int,
        _ labels: inout [Label]
    ) {
        var reader = JSONReader(object, maxNesting: Limits.maxNesting)
        guard (try? reader.next()) == .objectStart else { return }
        let isOwn = encoder == .logback && depth == 0
        var message = OwnMessage()
        defer { if isOwn { put(message, &labels) } }
        while keys < Self.maxKeys, case .key(let key, let isEscaped)? = try? reader.next() {
            keys += 1
            guard let range = try? reader.skipValue() else { return }
            guard !isEscaped else { continue }
            let name = prefix + String(decoding: object[key], as: UTF8.self)
            let value = UnsafeRawBufferPointer(rebasing: object[range])
            if isOwn, takeOwn(name, value, &message, &keys, &labels) { continue }
            if value.first == UInt8(ascii: "{") {
                if depth < Self.maxDepth, !isIgnored(name + ".") {
                    collect(value, prefix: name + ".", depth: depth + 1, &keys, &labels)
                }
            } else if value.first != UInt8(ascii: "["), let kept = keptName(name) {
                put(kept, value, &labels, isOfEncoder: known[name] != nil)
            }
        }
    }

    private func isIgnored(_ name: String) -> Bool {
        ignoredPrefixes.contains(where: name.hasPrefix)
    }

    /// Nil for what is not kept.
    private func keptName(_ name: String) -> String? {
        if let role = known[name] { return role.isEmpty ? nil : role }
        for container in containers where name.hasPrefix(container) {
            return LayoutCompiler.fieldName(String(name.dropFirst(container.count)))
        }
        guard keepsOthers, !isIgnored(name) else { return nil }
        let bare = encoder == .gelf && name.hasPrefix("_") ? String(name.dropFirst()) : name
        return bare.isEmpty ? nil : LayoutCompiler.fieldName(bare)
    }

    /// Texts without their quotes, numbers and truths as they are. Members of the encoder's own take the
    /// place of what the application calls the same; of the application's the first one stays.
    func put(
        _ name: String, _ value: UnsafeRawBufferPointer, _ labels: inout [Label],
        isOfEncoder: Bool = false
    ) {
        if isOfEncoder { labels.removeAll { $0.name == name } }
        guard value.first == UInt8(ascii: "\"") else {
            if !value.elementsEqual("null".utf8) { FieldValues.putOwn(name, value, &labels) }
            return
        }
        Self.text(value)?.withUnsafeBytes { FieldValues.putOwn(name, $0, &labels) }
    }

    /// What a JSON string says; nil for anything else.
    static func text(_ value: UnsafeRawBufferPointer) -> [UInt8]? {
        var reader = JSONReader(value, maxNesting: 1)
        guard case .string(let range, let isEscaped)? = try? reader.next() else { return nil }
        guard isEscaped else { return Array(value[range]) }
        var text: [UInt8] = []
        return (try? reader.unescape(range, into: &text)) == nil ? nil : text
    }
}

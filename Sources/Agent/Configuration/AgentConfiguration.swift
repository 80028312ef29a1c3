import Foundation
import LogModel
import Logback
import Regexp
import Yams

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
    package var exclude: [String] = []
    package var labels: [String: String] = [:]
    package var layout = LayoutRule.automatic
    package var zone = ZoneRule.local
    /// Nil: UTF-8, unless a mark in front of a file tells UTF-16.
    package var encoding: TextEncoding?
    package var format = SourceFormat.auto
    package var level = LevelPlace.metadata
    package var fields: [Field] = []

    package init(paths: [String]) { self.paths = paths }

    /// Of the paths, `-` stands for standard input, which is kept in the agent's state folder.
    mutating func nameInput(state: String) {
        paths = paths.map { $0 == "-" ? StandardInput.pattern(state) : $0 }
    }
}

/// What an agent is told, by agent.yaml or by flags.
package struct AgentConfiguration: Sendable {
    /// `http://HOST:PORT`.
    package var server: String
    package var tenant: String?
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
        self.server = server
        self.state = state
    }

    /// Throws when something is missing or cannot be.
    package func validate() throws(AgentError) {
        guard let url = URL(string: server), url.host != nil,
            ["http", "https"].contains(url.scheme)
        else { throw .configuration("server: \"\(server)\" is no http:// or https:// address") }
        if groups.allSatisfy({ $0.paths.isEmpty }) {
            throw .configuration(
                "no files to follow: name them in `sources: - paths:` or as arguments")
        }
        var names = Array(labels.keys)
        for group in groups { names.append(contentsOf: group.labels.keys) }
        for name in names where !Self.isLabelName(name) {
            throw .configuration("label \"\(name)\": \(Self.labelNames)")
        }
        for group in groups { try validateFields(of: group) }
    }

    /// A name that nobody accepts, or that something else has, would make every entry be refused.
    private func validateFields(of group: SourceGroup) throws(AgentError) {
        let taken = Set(labels.keys).union(group.labels.keys).union(["host"])
        var seen: Set<String> = []
        for field in group.fields {
            let key = "sources: fields: name: \"\(field.name)\""
            guard Self.isLabelName(field.name) else {
                throw .configuration("\(key): \(Self.labelNames)")
            }
            if taken.contains(field.name) {
                throw .configuration(
                    "\(key): every entry has a label of that name already; choose another name")
            }
            guard seen.insert(field.name).inserted else {
                throw .configuration("\(key): given twice; one field may have alternatives: (a|b)")
            }
        }
    }

    private static let labelNames = "letters, digits and _ only, no digit in front"

    private static func isLabelName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
        return name.utf8.allSatisfy {
            $0 == 95 || (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
        }
    }
}

/// agent.yaml, read key by key: an unknown key is an error with its line.
extension AgentConfiguration {
    package static func read(_ path: String) throws(AgentError) -> AgentConfiguration {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw .configuration("cannot read \(path)")
        }
        let composed: Node?
        do { composed = try Yams.compose(yaml: String(decoding: data, as: UTF8.self)) } catch {
            throw .configuration("\(path): \(error)")
        }
        var configuration = AgentConfiguration(server: "", state: "")
        guard let root = composed else { throw .configuration("\(path) is empty") }
        let file = YAMLSection(path: path, node: root)
        try file.each { (key, value) throws(AgentError) in
            switch key {
            case "server": configuration.server = try value.text()
            case "tenant": configuration.tenant = try value.text()
            case "state": configuration.state = try value.text()
            case "labels": configuration.labels = try value.texts()
            case "host": configuration.host = try value.text()
            case "zone": break
            case "metrics_listen": configuration.metricsListen = try value.text()
            case "batch": try configuration.readBatch(value)
            case "sources": break
            case "search_seconds":
                configuration.searchSeconds = try value.number(0.1...86_400)
            case "spool": try configuration.readSpool(value)
            default: throw value.unknown(key)
            }
        }
        var zone = ZoneRule.local
        if let value = file["zone"] { zone = try value.zone() }
        if let sources = file["sources"] {
            for item in try sources.items() {
                configuration.groups.append(try SourceGroup.read(item, zone: zone))
            }
        }
        for (key, text) in [("server", configuration.server), ("state", configuration.state)]
        where text.isEmpty { throw .configuration("\(path): \(key) is missing") }
        return configuration
    }

    private mutating func readSpool(_ section: YAMLSection) throws(AgentError) {
        try section.each { (key, value) throws(AgentError) in
            switch key {
            case "pinned_bytes": pinnedBytes = Int64(try value.number(0...1e15))
            case "bytes": spoolBytes = Int64(try value.number(0...1e15))
            default: throw value.unknown(key)
            }
        }
    }

    private mutating func readBatch(_ section: YAMLSection) throws(AgentError) {
        var bytes = batchBytes
        var age = batchAgeSeconds
        try section.each { (key, value) throws(AgentError) in
            switch key {
            case "bytes": bytes = Int(try value.number(1000...8_000_000))
            case "age_seconds": age = try value.number(0.01...60)
            default: throw value.unknown(key)
            }
        }
        batchBytes = bytes
        batchAgeSeconds = age
    }
}

extension SourceGroup {
    fileprivate static func read(
        _ section: YAMLSection, zone: ZoneRule
    ) throws(AgentError) -> SourceGroup {
        var group = SourceGroup(paths: [])
        group.zone = zone
        var firstLine: String?
        var format: TimestampFormat?
        var keys = LayoutRule.JSONKeys()
        var layout: LayoutSection?
        var hasZone = false
        try section.each { (key, value) throws(AgentError) in
            switch key {
            case "layout": layout = try LayoutSection.read(value)
            case "zone":
                group.zone = try value.zone()
                hasZone = true
            case "paths": for item in try value.items() { group.paths.append(try item.text()) }
            case "exclude": for item in try value.items() { group.exclude.append(try item.text()) }
            case "labels": group.labels = try value.texts()
            case "first_line": firstLine = try value.text()
            case "format": group.format = try value.format()
            case "encoding": group.encoding = try value.encoding()
            case "timestamp":
                try value.each { (key, value) throws(AgentError) in
                    switch key {
                    case "format":
                        format = TimestampFormat(try value.text())
                        if format == nil { throw value.wrong("no pattern of Java's date letters") }
                    case "key": keys.time = try value.name()
                    case "zone":
                        group.zone = try value.zone()
                        hasZone = true
                    default: throw value.unknown(key)
                    }
                }
            case "level": try group.readLevel(value, &keys)
            case "fields":
                for item in try value.items() { group.fields.append(try Field.read(item)) }
            default: throw value.unknown(key)
            }
        }
        if let layout {
            guard firstLine == nil else {
                throw section.wrong("layout and first_line both tell how events begin: keep one")
            }
            group.layout = try layout.rule(format, keys)
            if !hasZone, let zone = group.layout.compiled?.zone.flatMap({ ZoneRule($0) }) {
                group.zone = zone
            }
            return group
        }
        do {
            group.layout = try LayoutRule(firstLine: firstLine, format: format, keys: keys)
        } catch { throw section.wrong("first_line: \(error.reason)") }
        return group
    }

    /// `level: label`, or `level: { as: label, key: severity }`.
    private mutating func readLevel(
        _ section: YAMLSection, _ keys: inout LayoutRule.JSONKeys
    ) throws(AgentError) {
        guard section.isMapping else {
            level = try LevelPlace.read(section)
            return
        }
        var place = level
        var key = keys.level
        try section.each { (name, value) throws(AgentError) in
            switch name {
            case "as": place = try LevelPlace.read(value)
            case "key": key = try value.name()
            default: throw value.unknown(name)
            }
        }
        level = place
        keys.level = key
    }
}

extension SourceGroup.LevelPlace {
    fileprivate static func read(_ value: YAMLSection) throws(AgentError) -> Self {
        guard let place = Self(rawValue: try value.text()) else {
            throw value.wrong("label, metadata or none")
        }
        return place
    }
}

extension SourceGroup.Field {
    fileprivate static func read(_ section: YAMLSection) throws(AgentError) -> SourceGroup.Field {
        var name = ""
        var pattern = ""
        var isLabel = false
        try section.each { (key, value) throws(AgentError) in
            switch key {
            case "name": name = try value.text()
            case "regex": pattern = try value.text()
            case "as":
                let place = try value.text()
                guard place == "label" || place == "metadata" else {
                    throw value.wrong("label or metadata")
                }
                isLabel = place == "label"
            default: throw value.unknown(key)
            }
        }
        guard !name.isEmpty, !pattern.isEmpty else {
            throw section.wrong("a field needs name and regex")
        }
        do {
            return SourceGroup.Field(name: name, regexp: try Regexp(pattern), isLabel: isLabel)
        } catch { throw section.wrong("regex: \(error.reason)") }
    }
}

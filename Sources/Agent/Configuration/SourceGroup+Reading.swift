import Logback
import Regexp

extension SourceGroup {
    static func read(
        _ section: YAMLSection, common: SourceGroup
    ) throws(AgentError) -> SourceGroup {
        var group = common
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
            case "rolled_paths":
                for item in try value.items() { group.rolledPaths.append(try item.text()) }
            case "exclude": for item in try value.items() { group.exclude.append(try item.text()) }
            case "labels": group.labels = try value.labels()
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
            case "rolled_files": group.retention = try RollRetention.read(value)
            case "level": try group.readLevel(value, &keys)
            case "fields":
                for item in try value.items() { group.fields.append(try Field.read(item)) }
            default: guard try group.take(key, value) else { throw value.unknown(key) }
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
        } catch { throw (section["first_line"] ?? section).wrong("first_line: \(error.reason)") }
        return group
    }

    /// Takes a key that may stand at the top level too, for all sources; false for another key.
    mutating func take(_ key: String, _ value: YAMLSection) throws(AgentError) -> Bool {
        switch key {
        case "stack_traces": describesTraces = try value.truth()
        case "own_packages":
            ownPackages = OwnPackages(
                try value.list().map { (item) throws(AgentError) in try item.name() })
        case "stages": rules.stages = try value.stages()
        case "keep": rules.keep = try value.filters()
        case "drop": rules.drop = try value.filters()
        case "sample": rules.sample = try value.sampling()
        case "redact": rules.redactions = try value.redactions()
        default: return false
        }
        return true
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

extension RollRetention {
    /// `rolled_files: { age_seconds: 604800, count: 30, bytes: 1000000000 }`.
    fileprivate static func read(_ section: YAMLSection) throws(AgentError) -> RollRetention {
        var age: Double?
        var files: Int?
        var bytes: Int64?
        try section.each { (key, value) throws(AgentError) in
            switch key {
            case "age_seconds": age = try value.number(0...1e12)
            case "count": files = Int(try value.number(0...1e9))
            case "bytes": bytes = Int64(try value.number(0...1e18))
            default: throw value.unknown(key)
            }
        }
        guard let retention = RollRetention(age: age, files: files, bytes: bytes) else {
            throw section.wrong("rolled_files needs age_seconds, count or bytes")
        }
        return retention
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
            case "name":
                name = try value.text()
                try value.checkLabel(name)
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

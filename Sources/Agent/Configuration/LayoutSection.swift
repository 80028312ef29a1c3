import Logback

/// `layout:` of agent.yaml: the application's own layout of lines.
///
///     layout: { pattern: '%d [%thread] %-5level %logger - %msg%n', logback: 1.2 }
///     layout: { json: logstash, names: { thread: th } }
struct LayoutSection {
    private var pattern: CompiledLayout?
    private var json: JSONLayout?
    private let section: YAMLSection

    static func read(_ section: YAMLSection) throws(AgentError) -> LayoutSection {
        var layout = LayoutSection(section: section)
        var pattern: String?
        var dialect = CompiledLayout.Dialect.current
        var encoder: JSONLayout.Encoder?
        var names: [JSONLayout.Role: String] = [:]
        try section.each { (key, value) throws(AgentError) in
            switch key {
            case "pattern": pattern = try value.name()
            case "logback":
                // 1.2.11 and 1.5 are what people know; two ways of writing are behind them.
                let numbers = try value.name().split(separator: ".").compactMap { Int($0) }
                guard numbers.count > 1 else {
                    throw value.wrong("expected a version, such as 1.2")
                }
                dialect = numbers[0] == 1 && numbers[1] < 3 ? .legacy : .current
            case "json":
                encoder = JSONLayout.Encoder(rawValue: try value.name())
                guard encoder != nil else { throw value.wrong("logstash, ecs, gelf or logback") }
            case "names":
                try value.each { (key, value) throws(AgentError) in
                    guard let role = JSONLayout.Role(rawValue: key) else {
                        throw value.unknown(key)
                    }
                    names[role] = try value.name()
                }
            default: throw value.unknown(key)
            }
        }
        guard (pattern == nil) != (encoder == nil) else {
            throw section.wrong("layout needs pattern, or json, and not both")
        }
        if let pattern {
            do { layout.pattern = try CompiledLayout(pattern, dialect: dialect) } catch {
                throw section.wrong("pattern: \(error)")
            }
        }
        layout.json = encoder.map { JSONLayout($0, names: names) }
        return layout
    }

    private init(section: YAMLSection) { self.section = section }

    func rule(
        _ format: TimestampFormat?, _ keys: LayoutRule.JSONKeys
    ) throws(AgentError) -> LayoutRule {
        if let json { return LayoutRule(json: json, format: format, keys: keys) }
        guard format == nil, keys.time == nil, keys.level == nil, let pattern else {
            throw section.wrong("the pattern tells the time and the level: leave out their keys")
        }
        return LayoutRule(compiled: pattern)
    }
}

import Bytes
import LogModel
import LogQL
import Storage
import Wire

/// Asking for labels and series.
extension API {
    func labelNames(_ call: Call) async throws(WireError) -> Answer {
        let (tenant, matchers, start, end) = try await labelQuestion(call)
        let names = try await stored(call) {
            try store.labelNames(tenant: tenant, matchers: matchers, start: start, end: end)
        }
        return Self.list(names)
    }

    func labelValues(_ name: String, _ call: Call) async throws(WireError) -> Answer {
        let (tenant, matchers, start, end) = try await labelQuestion(call)
        let values = try await stored(call) {
            try store.labelValues(name, tenant: tenant, matchers: matchers, start: start, end: end)
        }
        return Self.list(values)
    }

    private func labelQuestion(
        _ call: Call
    ) async throws(WireError) -> (String, [Matcher], Timestamp, Timestamp) {
        let tenant = try tenancy.tenant(call.header(Tenancy.header))
        let parameters = try await call.parameters()
        let (start, end) = try span(parameters)
        let text = parameters["query"]
        let matchers = text.isEmpty ? [] : try Self.selector(text)
        return (tenant, matchers, start, end)
    }

    /// The span of a question about the index.
    func span(
        _ parameters: RequestParameters
    ) throws(WireError) -> (start: Timestamp, end: Timestamp) {
        let (start, end) = try parameters.bounds(now: now())
        guard end >= start else {
            throw .badRequest("end timestamp must not be before or equal to start time")
        }
        return (Self.bounded(start), Self.bounded(end))
    }

    /// The matchers of a selector that stands alone.
    static func selector(_ text: String) throws(WireError) -> [Matcher] {
        let tree: QueryTree
        do { tree = try LogQLParser.parse(text) } catch {
            throw .badRequest(error.report(in: text))
        }
        guard case .log(let log) = tree, log.stages.isEmpty else {
            throw .badRequest("only label matchers are supported")
        }
        return log.matchers
    }

    /// `{}`, which only some questions may ask.
    static func isEverything(_ text: String) -> Bool { text.filter { $0 != " " } == "{}" }

    func series(_ call: Call) async throws(WireError) -> Answer {
        let tenant = try tenancy.tenant(call.header(Tenancy.header))
        let parameters = try await call.parameters()
        let (start, end) = try span(parameters)
        let texts = parameters.all("match") + parameters.all("match[]")
        var groups: [[Matcher]] = []
        if texts.count > 1 || !texts.allSatisfy(Self.isEverything) {
            for text in texts {
                guard !Self.isEverything(text) else {
                    throw .badRequest("0 matchers in group: \(text)")
                }
                groups.append(try Self.selector(text))
            }
        } else {
            groups = [[]]
        }
        let wanted = groups
        let found = try await stored(call) { () throws(StorageError) in
            var found: Set<Labels> = []
            for matchers in wanted {
                found.formUnion(
                    try store.series(tenant: tenant, matchers: matchers, start: start, end: end))
            }
            return found.map { (text: $0.description, labels: $0) }
                .sorted { $0.text.precedesByBytes($1.text) }
                .map(\.labels)
        }
        var body = Array("{\"status\":\"success\",\"data\":[".utf8)
        for (i, labels) in found.enumerated() {
            if i > 0 { body.append(UInt8(ascii: ",")) }
            Self.append(labels, to: &body)
        }
        body.append(contentsOf: "]}".utf8)
        return Answer(json: body)
    }

    static func append(_ labels: Labels, to body: inout [UInt8]) {
        body.append(UInt8(ascii: "{"))
        for (i, label) in labels.pairs.enumerated() {
            if i > 0 { body.append(UInt8(ascii: ",")) }
            appendJSONString(label.name, to: &body)
            body.append(UInt8(ascii: ":"))
            appendJSONString(label.value, to: &body)
        }
        body.append(UInt8(ascii: "}"))
    }

    /// As Loki, an empty list has no `data` at all.
    private static func list(_ items: [String]) -> Answer {
        var body = Array("{\"status\":\"success\"".utf8)
        if !items.isEmpty {
            body.append(contentsOf: ",\"data\":[".utf8)
            for (i, item) in items.enumerated() {
                if i > 0 { body.append(UInt8(ascii: ",")) }
                appendJSONString(item, to: &body)
            }
            body.append(UInt8(ascii: "]"))
        }
        body.append(UInt8(ascii: "}"))
        return Answer(json: body)
    }

    /// Asks the store on a thread of the bench.
    func stored<T: Sendable>(
        _ call: Call, _ work: @escaping @Sendable () throws -> T
    ) async throws(WireError) -> T {
        let result = try await reading(call) { Result { try work() } }
        switch result {
        case .success(let value): return value
        case .failure(let error as WireError): throw error
        case .failure(let error as StorageError): throw refusal(of: error)
        case .failure(let error):
            logger.error("storage failed", metadata: ["error": "\(error)"])
            throw WireError(status: 500, message: "\(error)")
        }
    }

    /// Labels and how many values each has. Labels whose values are all numbers or UUIDs are
    /// identifiers and stay hidden, but for the few that are known to name places.
    func detectedLabels(_ call: Call) async throws(WireError) -> Answer {
        let tenant = try tenancy.tenant(call.header(Tenancy.header))
        let parameters = try await call.parameters()
        let (start, end) = try span(parameters)
        let text = parameters["query"]
        let matchers = text.isEmpty || Self.isEverything(text) ? [] : try Self.selector(text)
        let streams = try await stored(call) {
            try store.series(tenant: tenant, matchers: matchers, start: start, end: end)
        }
        var values: [String: Set<String>] = [:]
        for label in streams.flatMap(\.pairs) {
            values[label.name, default: []].insert(label.value)
        }
        let shown = values.filter { Self.isShown($0.key, $0.value) }
            .sorted { ($0.value.count, $0.key) < ($1.value.count, $1.key) }
        guard !shown.isEmpty else { return Answer(json: Array("{}".utf8)) }
        var body = Array("{\"detectedLabels\":[".utf8)
        for (i, label) in shown.enumerated() {
            if i > 0 { body.append(UInt8(ascii: ",")) }
            body.append(contentsOf: "{\"label\":".utf8)
            appendJSONString(label.key, to: &body)
            body.append(contentsOf: ",\"cardinality\":\(label.value.count)}".utf8)
        }
        body.append(contentsOf: "]}".utf8)
        return Answer(json: body)
    }

    private static func isShown(_ name: String, _ values: Set<String>) -> Bool {
        if ["cluster", "namespace", "instance", "pod"].contains(name) { return true }
        // Flags are numbers, but they tell streams apart.
        if values.isSubset(of: ["0", "1"]) { return true }
        return !values.allSatisfy { value in
            if Double(value) != nil { return true }
            let parts = value.split(separator: "-", omittingEmptySubsequences: false)
            return parts.map(\.count) == [8, 4, 4, 4, 12]
                && parts.allSatisfy { $0.allSatisfy(\.isHexDigit) }
        }
    }
}

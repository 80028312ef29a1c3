import Bytes
import LogModel
import LogQL
import Query
import Wire

/// Fields that nobody has declared: what Grafana's drilldown offers to choose from.
extension API {
    func detectedFields(_ call: Call) async throws(WireError) -> Answer {
        let (fields, limit) = try await fields(call)
        if fields.isEmpty { return Answer(json: Array("{}".utf8)) }
        var out: [UInt8] = Array("{\"fields\":[".utf8)
        for (index, field) in fields.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            out += "{\"label\":".utf8
            appendJSONString(field.name, to: &out)
            out += ",\"type\":\"\(field.type.rawValue)\",\"cardinality\":\(field.values.count)".utf8
            out += ",\"parsers\":".utf8
            if field.parsers.isEmpty {
                out += "null".utf8
            } else {
                Self.append(field.parsers, to: &out)
            }
            if !field.path.isEmpty {
                out += ",\"jsonPath\":".utf8
                Self.append(field.path, to: &out)
            }
            out.append(UInt8(ascii: "}"))
        }
        out += "],\"limit\":\(limit)}".utf8
        return Answer(json: out)
    }

    /// The values of one field in the sample.
    func detectedValues(_ name: String, _ call: Call) async throws(WireError) -> Answer {
        let (fields, limit) = try await fields(call)
        guard let field = fields.first(where: { $0.name == name }) else {
            return Answer(json: Array("{}".utf8))
        }
        let values = field.values.sorted { $0.precedesByBytes($1) }
        var out: [UInt8] = Array("{\"values\":".utf8)
        Self.append(Array(values.prefix(limit)), to: &out)
        out += ",\"limit\":\(limit)}".utf8
        return Answer(json: out)
    }

    private static func append(_ texts: [String], to out: inout [UInt8]) {
        out.append(UInt8(ascii: "["))
        for (index, text) in texts.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            appendJSONString(text, to: &out)
        }
        out.append(UInt8(ascii: "]"))
    }

    /// Fields of the newest entries that a log query gives.
    private func fields(
        _ call: Call
    ) async throws(WireError) -> (fields: [DetectedField], limit: Int) {
        let tenant = try tenancy.tenant(call.header(Tenancy.header))
        let parameters = try await call.parameters()
        let (start, end) = try span(parameters)
        let lines = try parameters.count("line_limit", default: 100)
        let isAlias = parameters["limit"].isEmpty && !parameters["field_limit"].isEmpty
        let limit = try parameters.count(isAlias ? "field_limit" : "limit", default: 1000)
        let text = parameters["query"]
        do throws(SyntaxError) {
            let tree = try LogQLParser.parse(text, maxBytes: limits.maxQueryTextBytes)
            guard case .log = tree else { throw SyntaxError("only log selector is supported") }
        } catch { throw .badRequest(error.report(in: text)) }
        let most = limits.maxEntriesLimitPerQuery
        let request = QueryRequest(
            tenant: tenant, text: text, start: Self.bounded(start), end: Self.bounded(end),
            limit: most > 0 ? min(lines, most) : lines, direction: .backward)
        let cancellation = Cancellation()
        call.departure.notify { cancellation.cancel() }
        defer { call.departure.forget() }
        let result: Result<[DetectedField], WireError> = try await reading(call) {
            do throws(QueryError) {
                var collector = FieldCollector(limit: limit)
                let (value, _) = try engine.run(request, cancellation: cancellation)
                if case .streams(let rows) = value { for row in rows { collector.add(row) } }
                return .success(collector.all)
            } catch { return .failure(refusal(of: error)) }
        }
        return (try result.get(), limit)
    }
}

import Bytes
import LogModel
import LogQL
import NIOCore
import Query
import Storage
import Wire

/// Asking in LogQL.
extension API {
    func queryRange(_ call: Call) async throws(WireError) -> Answer {
        let tenant = try tenancy.tenant(call.header(Tenancy.header))
        let parameters = try await call.parameters()
        let now = now()
        var (start, end) = try parameters.bounds(now: now)
        guard end >= start else {
            throw .badRequest("end timestamp must not be before or equal to start time")
        }
        let limit = try parameters.count("limit", default: 100)
        let direction = try parameters.direction()
        let step = try parameters.step(start: start, end: end)
        let span = Self.span(start, end)
        guard span / step <= Int64(limits.maxPointsPerSeries) else {
            throw .badRequest(limits.tooManyPoints)
        }
        let interval = try parameters.interval()
        let text = parameters["query"]
        try check(text, span: span, limit: limit)
        start = max(start, earliest(now))
        end = max(start, end)
        var request = QueryRequest(
            tenant: tenant, text: text, start: Self.bounded(start), end: Self.bounded(end),
            stepNanoseconds: min(step, Self.longestStep), intervalNanoseconds: interval,
            limit: limit,
            direction: direction)
        request.context = try context(parameters)
        request.explain = parameters["explain"] == "true"
        return try await run(request, call)
    }

    /// `context`, `context_before` and `context_after`: entries of the same stream around each match.
    /// An addition to Loki's API.
    private func context(
        _ parameters: RequestParameters
    ) throws(WireError) -> QueryRequest.Context {
        let both = try parameters.integer("context", default: 0)
        let context = QueryRequest.Context(
            before: try parameters.integer("context_before", default: both),
            after: try parameters.integer("context_after", default: both))
        let most = limits.maxContextEntries
        guard (0...most).contains(context.before), (0...most).contains(context.after) else {
            throw .badRequest(
                "context must not be negative, and at most \(most) entries of it may be asked for on "
                    + "either side (max_context_entries)")
        }
        return context
    }

    func queryInstant(_ call: Call) async throws(WireError) -> Answer {
        let tenant = try tenancy.tenant(call.header(Tenancy.header))
        let parameters = try await call.parameters()
        let limit = try parameters.count("limit", default: 100)
        let time = try Self.bounded(parameters.time("time", now: now()))
        let direction = try parameters.direction()
        var request = QueryRequest(
            tenant: tenant, text: parameters["query"], start: time, end: time, limit: limit,
            direction: direction, isInstant: true)
        request.explain = parameters["explain"] == "true"
        return try await run(request, call)
    }

    /// Nanoseconds between two moments; the longest when they are further apart.
    private static func span(_ start: Timestamp, _ end: Timestamp) -> Int64 {
        let (span, overflow) = end.nanoseconds.subtractingReportingOverflow(start.nanoseconds)
        return overflow ? .max : span
    }

    /// Keeps moments far enough from the ends of Int64 for windows, offsets and steps to be added:
    /// from 1938 to 2096.
    static func bounded(_ time: Timestamp) -> Timestamp {
        Timestamp(
            nanoseconds: min(
                max(time.nanoseconds, -1_000_000_000_000_000_000), 4_000_000_000_000_000_000))
    }

    /// As long as a step can be and mean anything: 30 years.
    private static let longestStep: Int64 = 1_000_000_000_000_000_000

    private func earliest(_ now: Timestamp) -> Timestamp {
        guard limits.maxQueryLookbackSeconds > 0 else { return .distantPast }
        return now.advanced(
            byNanoseconds: -Int64(limits.maxQueryLookbackSeconds) * Nanoseconds.second)
    }

    /// The limits on what may be asked, in Loki's order.
    private func check(_ text: String, span: Int64, limit: Int) throws(WireError) {
        let tree: QueryTree
        do { tree = try LogQLParser.parse(text, maxBytes: limits.maxQueryTextBytes) } catch {
            throw .badRequest(error.report(in: text))
        }
        let longest = Int64(limits.maxQueryLengthSeconds)
        if longest > 0, span / Nanoseconds.second > longest {
            throw .badRequest(
                "the query time range exceeds the limit (query length: "
                    + "\(QuantityText.printGo(nanoseconds: span)), limit: "
                    + "\(QuantityText.print(seconds: Int(longest))))")
        }
        guard case .log(let log) = tree else { return }
        let most = limits.maxEntriesLimitPerQuery
        if most > 0, limit > most {
            throw .badRequest(
                "max entries limit per query exceeded, limit > max_entries_limit_per_query "
                    + "(\(limit) > \(most))")
        }
        let matchers = limits.maxStreamsMatchersPerQuery
        let asked = log.alternatives.reduce(log.matchers.count) { $0 + $1.matchers.count }
        if matchers > 0, asked > matchers {
            throw .badRequest(
                "max streams matchers per query exceeded, matchers-count > limit "
                    + "(\(asked) > \(matchers))")
        }
    }

    /// Runs a query and writes its answer, both on a thread of the bench.
    private func run(_ request: QueryRequest, _ call: Call) async throws(WireError) -> Answer {
        let flags = (call.header("X-Loki-Response-Encoding-Flags") ?? "")
            .split(separator: ",").map { String($0.drop { $0 == " " }) }
        let packs = Self.acceptsGzip(call)
        let cancellation = Cancellation()
        call.departure.notify { cancellation.cancel() }
        defer { call.departure.forget() }
        let began = ContinuousClock.now
        let result: Result<Answer, WireError>
        do throws(WireError) {
            result = try await reading(call) { () -> Result<Answer, WireError> in
                do throws(QueryError) {
                    let (value, stats) = try engine.run(request, cancellation: cancellation)
                    counters.update { $0.queriedBytes += stats.bytes }
                    let body = ResultEncoding.encode(value, stats, flags: flags)
                    return .success(Self.packed(body, packs))
                } catch {
                    return .failure(refusal(of: error))
                }
            }
        } catch {
            result = .failure(error)
        }
        let spent = (ContinuousClock.now - began).inSeconds
        let status =
            switch result {
            case .success(let answer): answer.status
            case .failure(let error): error.status
            }
        counters.update {
            $0.queries[status, default: 0] += 1
            $0.querySeconds += spent
        }
        return try result.get()
    }

    /// Waits for a turn and runs a read on a thread of the bench.
    ///
    /// Errors: 429 when too many wait, or one has waited for as long as a query may take.
    func reading<T: Sendable>(
        _ call: Call, _ work: @escaping @Sendable () -> T
    ) async throws(WireError) -> T {
        let patience = TimeAmount.seconds(Int64(max(1, limits.queryTimeoutSeconds)))
        guard await querying.enter(patience: patience, on: call.loop) == .entered else {
            throw WireError(status: 429, message: "too many outstanding requests")
        }
        defer { querying.leave() }
        return await bench.run(work)
    }

    func refusal(of error: QueryError) -> WireError {
        switch error.kind {
        case .invalid, .matching: return .badRequest(error.message)
        case .timeout: return WireError(status: 504, message: error.message)
        case .cancelled: return WireError(status: 499, message: error.message)
        case .source:
            logger.error("a query failed", metadata: ["error": "\(error.message)"])
            return WireError(status: 500, message: error.message)
        }
    }

    private static func acceptsGzip(_ call: Call) -> Bool {
        (call.header("Accept-Encoding") ?? "").split(separator: ",").contains {
            $0.drop { $0 == " " }.prefix { $0 != ";" && $0 != " " } == "gzip"
        }
    }

    private static func packed(_ body: [UInt8], _ packs: Bool) -> Answer {
        // A packet holds small answers either way.
        guard packs, body.count > 1400 else { return Answer(json: body) }
        var answer = Answer(json: Gzip.compress(body, level: 1))
        answer.isGzip = true
        return answer
    }

    func formatQuery(_ call: Call) async throws(WireError) -> Answer {
        let text = try await call.parameters()["query"]
        var body: [UInt8] = []
        do throws(SyntaxError) {
            let tree = try LogQLParser.parse(text, maxBytes: limits.maxQueryTextBytes)
            body.append(contentsOf: "{\"status\":\"success\",\"data\":".utf8)
            appendJSONString(LogQLPrinter.printLines(tree), to: &body)
            body.append(UInt8(ascii: "}"))
            return Answer(json: body)
        } catch {
            body.append(contentsOf: "{\"status\":\"invalid-query\",\"error\":".utf8)
            appendJSONString(error.message, to: &body)
            body.append(UInt8(ascii: "}"))
            return Answer(status: 400, json: body)
        }
    }
}

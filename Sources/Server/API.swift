import HTTPTypes
import LogModel
import Logging
import NIOCore
import Query
import Storage
import Wire

/// Loki's HTTP API over one store: which path means what. The work of each group of paths is in an
/// extension. Owned by `ServerNode`; knows nothing of sockets.
struct API: Sendable {
    let store: Store
    let engine: QueryEngine
    let configuration: ServerConfiguration
    let tenancy: Tenancy
    let logger: Logger
    let counters = Counters()
    let bench = Workbench()
    let rates: RateLimits
    /// Bytes of bodies as they come in.
    let receiving: Turnstile
    /// Bytes of bodies as they are unpacked.
    let unpacking: Turnstile
    /// Pushes that are being decoded.
    let decoding: Turnstile
    let querying: Turnstile
    /// Nanoseconds since the epoch.
    let now: @Sendable () -> Timestamp

    var limits: Limits { configuration.limits }

    init(
        store: Store, configuration: ServerConfiguration, logger: Logger,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.store = store
        self.configuration = configuration
        self.logger = logger
        self.now = now
        let limits = configuration.limits
        engine = QueryEngine(source: store, limits: limits)
        tenancy = Tenancy(required: configuration.authEnabled)
        rates = RateLimits(limits: limits)
        receiving = Turnstile(
            capacity: max(limits.maxReceiveMessageSize, limits.maxIngestBytesInFlight / 3),
            mostWaiting: 1024)
        unpacking = Turnstile(capacity: limits.maxIngestBytesInFlight, mostWaiting: 1024)
        decoding = Turnstile(capacity: 4, mostWaiting: 1024)
        querying = Turnstile(
            capacity: limits.maxConcurrentQueries, mostWaiting: limits.maxWaitingQueries)
    }

    private typealias Handler = @Sendable (API, Call) async throws(WireError) -> Answer

    private struct Route: Sendable {
        let methods: [HTTPRequest.Method]
        let handle: Handler
    }

    private static let read: [HTTPRequest.Method] = [.get, .post]
    private static let root = "/loki/api/v1"

    private static let routes: [String: Route] = [
        root + "/push": Route(methods: [.post]) { api, call throws(WireError) in
            try await api.push(call)
        },
        "/api/prom/push": Route(methods: [.post]) { api, call throws(WireError) in
            try await api.push(call)
        },
        "/cordwood/api/v1/positions": Route(methods: [.post]) { api, call throws(WireError) in
            try await api.positions(call)
        },
        root + "/query_range": Route(methods: read) { api, call throws(WireError) in
            try await api.queryRange(call)
        },
        root + "/query": Route(methods: read) { api, call throws(WireError) in
            try await api.queryInstant(call)
        },
        root + "/labels": Route(methods: read) { api, call throws(WireError) in
            try await api.labelNames(call)
        },
        root + "/label": Route(methods: read) { api, call throws(WireError) in
            try await api.labelNames(call)
        },
        root + "/series": Route(methods: read) { api, call throws(WireError) in
            try await api.series(call)
        },
        root + "/index/stats": Route(methods: read) { api, call throws(WireError) in
            try await api.indexStats(call)
        },
        root + "/index/volume": Route(methods: read) { api, call throws(WireError) in
            try await api.volume(call, isRange: false)
        },
        root + "/index/volume_range": Route(methods: read) { api, call throws(WireError) in
            try await api.volume(call, isRange: true)
        },
        root + "/detected_labels": Route(methods: read) { api, call throws(WireError) in
            try await api.detectedLabels(call)
        },
        root + "/detected_fields": Route(methods: read) { api, call throws(WireError) in
            try await api.detectedFields(call)
        },
        root + "/format_query": Route(methods: read) { api, call throws(WireError) in
            try await api.formatQuery(call)
        },
        root + "/status/buildinfo": Route(methods: [.get]) { api, _ throws(WireError) in
            api.buildInformation
        },
        "/ready": Route(methods: [.get, .head]) { _, _ throws(WireError) in
            Answer(text: "ready\n")
        },
        "/config": Route(methods: [.get]) { api, _ throws(WireError) in api.effectiveSettings },
        "/metrics": Route(methods: [.get]) { api, _ throws(WireError) in await api.metrics() },
    ]

    /// The answer to a request; errors are answers too.
    func answer(_ call: Call) async -> Answer {
        do throws(WireError) {
            if let name = Self.name(in: call.path, after: "/label/") {
                guard Self.read.contains(call.method) else { return Self.methodNotAllowed }
                return try await labelValues(name, call)
            }
            if let name = Self.name(in: call.path, after: "/detected_field/") {
                guard Self.read.contains(call.method) else { return Self.methodNotAllowed }
                return try await detectedValues(name, call)
            }
            guard let route = Self.routes[call.path] else {
                return Answer(status: 404, text: "404 page not found\n")
            }
            guard route.methods.contains(call.method) else { return Self.methodNotAllowed }
            return try await route.handle(self, call)
        } catch {
            return Answer(error)
        }
    }

    private static let methodNotAllowed = Answer(status: 405, text: "method not allowed\n")

    /// The name in `/loki/api/v1/label/NAME/values` and the like.
    private static func name(in path: String, after part: String) -> String? {
        let prefix = root + part
        let suffix = "/values"
        guard path.hasPrefix(prefix), path.hasSuffix(suffix),
            path.utf8.count > prefix.utf8.count + suffix.utf8.count
        else { return nil }
        // In a path a `+` is a `+`.
        let name = path.dropFirst(prefix.count).dropLast(suffix.count)
        let escaped = name.split(separator: "+", omittingEmptySubsequences: false)
            .joined(separator: "%2B")
        return try? RequestParameters.decode(Array(escaped.utf8)[...])
    }
}

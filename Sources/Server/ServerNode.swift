import Glibc
import HTTPTypes
import Hummingbird
import HummingbirdCore
import LogModel
import LogQL
import Logging
import NIOCore
import ServiceLifecycle
import Storage
import Wire

/// One server: the store, the API over it and the socket in front. Runs until it is told to stop;
/// then it answers what it has begun, and closes the store.
package struct ServerNode: Sendable {
    private let configuration: ServerConfiguration
    private let logger: Logger

    package init(configuration: ServerConfiguration, logger: Logger) {
        self.configuration = configuration
        self.logger = logger
    }

    /// Calls `listening` with the address once requests are taken.
    ///
    /// Errors: `StorageError` when the folder cannot be opened, `ListenError` when the address cannot
    /// be taken.
    package func run(listening: @escaping @Sendable (String) -> Void) async throws {
        if !configuration.ignoredNames.isEmpty {
            logger.warning(
                "these settings are none of this server and have no effect",
                metadata: ["names": "\(configuration.ignoredNames.joined(separator: ", "))"])
        }
        let store = try Store.open(storeOptions(), logger: logger)
        let api = API(store: store, configuration: configuration, logger: logger) {
            var time = timespec()
            clock_gettime(CLOCK_REALTIME, &time)
            return Timestamp(
                nanoseconds: Int64(time.tv_sec) * Nanoseconds.second + Int64(time.tv_nsec))
        }
        let application = Application(
            responder: Responder(api: api), server: .http1(configuration: Self.connection),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                serverName: nil, backlog: 1024, reuseAddress: true,
                availableConnectionsDelegate: MaximumAvailableConnections(Self.mostConnections)),
            onServerRunning: { channel in
                if let port = channel.localAddress?.port { configuration.takenPort.set(port) }
                listening("http://\(configuration.address)")
            },
            logger: quiet(logger))
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: Housekeeping(store: store)), .init(service: application),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet(logger)))
        do {
            try await group.run()
        } catch {
            await store.close()
            // Sockets speak of system calls; of ours only the one that listens can fail here.
            if let error = error as? IOError { throw ListenError(configuration.address, error) }
            throw error
        }
        await store.close()
    }

    /// Retention's selectors become matchers here, where LogQL is known.
    private func storeOptions() throws -> StoreOptions {
        var options = configuration.storeOptions
        options.retention = try configuration.limits.retentionStreams
            .sorted { $0.priority > $1.priority }
            .map { rule in
                (
                    try LogQLParser.parseSelector(rule.selector), rule.priority, rule.periodSeconds
                )
            }
        return options
    }

    /// Libraries tell their news at `debug`; ours are enough at `info`.
    private func quiet(_ logger: Logger) -> Logger {
        var quiet = logger
        if quiet.logLevel == .info { quiet.logLevel = .warning }
        return quiet
    }

    /// Connections at once; each may hold a buffer, and more than these are no log agents.
    private static let mostConnections = 4096

    private static var connection: HTTP1Channel.Configuration {
        HTTP1Channel.Configuration(
            additionalChannelHandlers: [DepartureHandler()],
            // Closes who begins a request and does not go on, and who keeps silent in between.
            idleTimeout: .seconds(120),
            httpDecoderConfiguration: .init(
                // Grafana's ad-hoc filters make long URLs.
                maxHeaderFieldSize: 192 * 1024, maxHeaderListSize: 256 * 1024,
                maxHeaderFieldCount: 200))
    }
}

/// Compaction and retention, as long as the server runs.
private struct Housekeeping: Service {
    let store: Store

    func run() async throws {
        await cancelWhenGracefulShutdown { await store.run() }
    }
}

/// Turns requests of the web server into calls of the API and back.
private struct Responder: HTTPResponder {
    struct Context: RequestContext {
        var coreContext: CoreRequestContextStorage
        let channel: any Channel

        init(source: ApplicationRequestContextSource) {
            coreContext = .init(source: source)
            channel = source.channel
        }
    }

    let api: API

    func respond(to request: Request, context: Context) async throws -> Response {
        let call = Call(
            method: request.method, path: request.uri.path, query: request.uri.query,
            headers: request.headers, loop: context.channel.eventLoop,
            departure: Departure(context.channel)
        ) { limit throws(WireError) in
            do {
                let body = try await request.body.collect(upTo: limit)
                return Array(body.readableBytesView)
            } catch is NIOTooManyBytesError {
                throw WireError(
                    status: 413,
                    message: "request body too large: message size too large than max "
                        + "(\(limit + 1) vs \(limit))")
            } catch {
                throw .badRequest("the request body could not be read: \(error)")
            }
        }
        return await api.answer(call).response
    }
}

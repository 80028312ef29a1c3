import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// What TLS failed for, in words of whoever set it up: what is wrong, and what to change. Asks the
/// server once more for its certificate where the failure itself does not tell, which is seldom: after
/// a failure a client waits.
struct TLSFailure: Sendable {
    /// Where the server is, and the name that its certificate should have.
    private let host: String
    private let port: Int
    private let name: String
    private let isTLS: Bool
    private let caFile: String?
    /// A way that the probe cannot go.
    private let hasProxy: Bool

    private static let probeSeconds: Int64 = 5

    /// Nil for an address without a host. `override`: the host behind the name in `url`.
    init?(url: String, access: HTTPAccess, override: String?) {
        guard let url = URL(string: url), let name = url.host else { return nil }
        self.name = name
        host = override ?? name
        isTLS = url.scheme?.lowercased() == "https"
        port = url.port ?? (isTLS ? 443 : 80)
        caFile = access.tls?.caFile
        hasProxy = access.proxy != nil
    }

    /// A sentence on the failure of an https request; nil when it is none of TLS.
    func sentence(_ error: any Error) async -> String? {
        guard isTLS else { return nil }
        let text = "\(error)"
        func says(_ words: String...) -> Bool { words.contains(where: text.contains) }
        if (error as? NIOSSLExtraError) == .failedToValidateHostname {
            return
                "the server's certificate is not for \(name)\(await otherNames()): ask it under a "
                + "name of its certificate, or set tls.server_name to one"
        }
        if says("CERTIFICATE_VERIFY_FAILED") { return await distrust() }
        if says(
            "ALERT_UNKNOWN_CA", "CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE",
            "ALERT_CERTIFICATE", "ALERT_ACCESS_DENIED")
        {
            return "the server wants a certificate of this client that it can trust: set "
                + "tls.cert_file and tls.key_file to one of an authority that it knows"
        }
        if says(
            "WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "INVALID_RECORD",
            "PACKET_LENGTH_TOO_LONG", "UNEXPECTED_RECORD", "UNEXPECTED_MESSAGE")
        {
            return "no TLS is spoken on port \(port): use http:// or the port of TLS"
        }
        if says(
            "PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL", "NO_SHARED_CIPHER",
            "HANDSHAKE_FAILURE")
        {
            return "the server and this client have no version or cipher of TLS in common: let it "
                + "take TLS 1.2 or 1.3"
        }
        if says("EOF during handshake") || (error as? NIOSSLError) == .uncleanShutdown {
            return
                "the connection was closed while TLS began: look whether port \(port) is that of "
                + "TLS, and into the server's log"
        }
        return says("BoringSSL", "NIOSSL", "handshakeFailed", "sslError")
            ? "TLS failed: \(text)" : nil
    }

    /// A sentence on an http request that was answered by no HTTP; nil when the port speaks no TLS.
    func sentenceOfPlain() async -> String? {
        guard !isTLS, await !certificates().isEmpty else { return nil }
        return "TLS is spoken on port \(port): use https://"
    }

    /// What servers answer in plain HTTP when it came to their port of TLS.
    static func isAnswerToPlain(status: Int, body: String) -> Bool {
        status == 400 && body.contains("HTTP request") && body.contains("HTTPS ")
    }

    private func distrust() async -> String {
        let now = Int64(Date().timeIntervalSince1970)
        let shown = await certificates()
        if let old = shown.first(where: { Int64($0.notValidAfter) < now }) {
            return
                "the server's certificate expired on \(Self.day(Int64(old.notValidAfter))): renew "
                + "it at the server"
        }
        if let young = shown.first(where: { Int64($0.notValidBefore) > now }) {
            return
                "the server's certificate is valid from \(Self.day(Int64(young.notValidBefore))) "
                + "only: look at the clocks of both machines"
        }
        let believed = caFile.map { "is not in \($0)" } ?? "this machine does not know"
        return
            "the server's certificate is signed by an authority that \(believed): set tls.ca_file "
            + "to the certificate of the authority, in PEM"
    }

    private static func day(_ seconds: Int64) -> String {
        let date = Date(timeIntervalSince1970: Double(seconds))
        return date.formatted(.iso8601)
    }

    private func otherNames() async -> String {
        guard let leaf = await certificates().first else { return "" }
        var names: [String] = []
        for found in leaf._subjectAlternativeNames()
        where found.nameType == .dnsName && names.count < 5 {
            names.append(
                found.contents.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) })
        }
        return names.isEmpty ? "" : " but for \(names.joined(separator: ", "))"
    }

    /// The certificates that the server shows, its own first; none when it speaks no TLS.
    private func certificates() async -> [NIOSSLCertificate] {
        guard !hasProxy,
            let context = try? NIOSSLContext(configuration: .makeClientConfiguration())
        else { return [] }
        let shown = Shown()
        let name = name
        let connecting = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(Self.probeSeconds))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // An address is no name to ask for.
                    let isAddress = (try? SocketAddress(ipAddress: name, port: 0)) != nil
                    let tls = try NIOSSLClientHandler(
                        context: context, serverHostname: isAddress ? nil : name,
                        customVerificationCallback: { certificates, promise in
                            shown.note(certificates)
                            promise.succeed(.failed)
                        })
                    try channel.pipeline.syncOperations.addHandlers([tls, Closer()])
                }
            }
            .connect(host: host, port: port)
        guard let channel = try? await connecting.get() else { return [] }
        let timer = channel.eventLoop.scheduleTask(in: .seconds(Self.probeSeconds)) {
            channel.close(promise: nil)
        }
        try? await channel.closeFuture.get()
        timer.cancel()
        return shown.certificates
    }

    private final class Shown: Sendable {
        private let list = Mutex<[NIOSSLCertificate]>([])
        var certificates: [NIOSSLCertificate] { list.withLock { $0 } }
        func note(_ certificates: [NIOSSLCertificate]) { list.withLock { $0 = certificates } }
    }

    /// The probe ends with the refusal of what it came for.
    private final class Closer: ChannelInboundHandler {
        typealias InboundIn = Any
        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}

import Bytes
import Foundation
import LogModel
import Synchronization
import Wire

/// What became of one attempt to deliver a shipment.
enum Delivery {
    case taken
    /// The server has committed other positions.
    case conflict([Position])
    /// Never to be taken as it is: status and text.
    case refused(Int, String)
    /// To be tried again, not before so many seconds.
    case failed(String, after: Double?)
}

/// Takes shipments: a server, or a stream of lines.
protocol Destination: Sendable {
    /// `ranges`: what is covered then, be it by an event that was refused and is not in the shipment.
    /// Events that were dropped are not delivered.
    func deliver(_ shipment: Shipment, _ ranges: [SourceRange]) async -> Delivery
}

/// A server that takes Loki's pushes.
struct ServerDestination: Destination {
    let output: Output
    let session: HTTPSession
    /// False in front of a server that keeps no positions.
    let sendsRanges: Bool
    private let memory = BodyMemory()

    /// A server that names a time is believed up to here, in seconds.
    private static let longestRetryAfter = 600.0

    func deliver(_ shipment: Shipment, _ ranges: [SourceRange]) async -> Delivery {
        // A foreign server has nothing to do with a push that only moves positions.
        if shipment.isEmpty, !sendsRanges { return .taken }
        do throws(AgentError) {
            var headers = try Self.headers(output)
            let body: [UInt8]
            if output.format == .protobuf {
                headers.append(("Content-Type", "application/x-protobuf"))
                body = PushRequest.encodeProtobuf(batches: shipment.batches)
            } else {
                headers.append(("Content-Type", "application/json"))
                headers.append(("Content-Encoding", "gzip"))
                body = memory.pack(shipment, sendsRanges ? ranges : [])
            }
            return await post(body, headers)
        } catch { return .failed("\(error)", after: nil) }
    }

    private func post(_ body: [UInt8], _ headers: [(String, String)]) async -> Delivery {
        do throws(TransportError) {
            let url = Self.address(output, "/loki/api/v1/push")
            let answer = try await session.post(url, body: body, headers: headers)
            switch answer.status {
            case 200..<300: return .taken
            case 409:
                if let positions = try? PositionExchange.decodeAnswer(answer.body).positions {
                    return .conflict(positions)
                }
            case 400, 413, 422: return .refused(answer.status, answer.text)
            default: break
            }
            return .failed(
                "\(answer.status) \(Self.line(answer.text))", after: Self.retryAfter(answer))
        } catch { return .failed("\(error)", after: nil) }
    }

    /// The beginning of what a server says, on one line of the log.
    private static func line(_ text: String) -> String {
        String(text.prefix(200).map { $0.isNewline || $0 < " " ? " " : $0 })
    }

    static func address(_ output: Output, _ path: String) -> String {
        output.access.address(of: output.server) + path
    }

    /// Of every request; throws when a secret cannot be read.
    static func headers(_ output: Output) throws(AgentError) -> [(String, String)] {
        var headers = output.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        if let tenant = output.tenant { headers.append(("X-Scope-OrgID", tenant)) }
        if let credentials = output.credentials {
            headers.append(("Authorization", try credentials.header()))
        }
        return headers
    }

    /// Seconds, or a date, as RFC 9110 section 10.2.3 has it.
    static func retryAfter(_ answer: HTTPSession.Answer) -> Double? {
        guard let text = answer.header("Retry-After") else { return nil }
        if let seconds = Double(text) { return min(longestRetryAfter, max(0, seconds)) }
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(secondsFromGMT: 0)
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
        return format.date(from: text).map {
            min(longestRetryAfter, max(0, $0.timeIntervalSinceNow))
        }
    }
}

/// The memory of the last body, for the next: pages that are new each time cost as much as to write
/// them.
private final class BodyMemory: Sendable {
    private let bytes = Mutex<[UInt8]>([])
    /// More is let go: most batches are far smaller.
    private static let mostBytes = 4 << 20

    func pack(_ shipment: Shipment, _ ranges: [SourceRange]) -> [UInt8] {
        bytes.withLock { bytes in
            shipment.writePush(ranges, into: &bytes)
            defer { if bytes.capacity > Self.mostBytes { bytes = [] } }
            return Gzip.compress(bytes, level: PackedLogs.gzipLevel)
        }
    }
}

/// Standard output, or a file that is appended to: an object a line.
///
///     {"timestamp":"1795224030123000000","labels":{"app":"shop"},"metadata":{},"line":"…"}
struct LineDestination: Destination {
    /// Nil: standard output.
    let path: String?

    func deliver(_ shipment: Shipment, _ ranges: [SourceRange]) async -> Delivery {
        let text = Self.lines(shipment.batches)
        guard !text.isEmpty else { return .taken }
        guard let path else { return await print(text) }
        do throws(AgentError) {
            try StateFile.append(lines: text, to: path)
            return .taken
        } catch { return .failed("\(error)", after: nil) }
    }

    /// A pipe that takes anything takes so much at once.
    private static let pipeBytes = 4096

    /// Whoever reads may take a rest: nothing waits for it but this output.
    private func print(_ text: [UInt8]) async -> Delivery {
        var done = 0
        while done < text.count {
            var out = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
            guard poll(&out, 1, 0) > 0 else {
                do { try await Task.sleep(for: .milliseconds(20)) } catch {
                    return .failed("standard output takes no more", after: nil)
                }
                continue
            }
            let count = text[done..<min(text.count, done + Self.pipeBytes)].withUnsafeBytes {
                Foundation.write(STDOUT_FILENO, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR || errno == EAGAIN { continue }
            guard count > 0 else {
                return .failed("standard output: \(String(cString: strerror(errno)))", after: nil)
            }
            done += count
        }
        return .taken
    }

    static func lines(_ batches: [Batch]) -> [UInt8] {
        var out: [UInt8] = []
        for batch in batches {
            let entries = batch.entries
            for row in 0..<entries.count {
                out += "{\"timestamp\":\"\(entries.timestamps[row])\",\"labels\":".utf8
                append(batch.labels, to: &out)
                out += ",\"metadata\":".utf8
                append(entries.metadata(row), to: &out)
                out += ",\"line\":".utf8
                appendJSONString(entries.line(row), to: &out)
                out += "}\n".utf8
            }
        }
        return out
    }

    private static func append(_ labels: Labels, to out: inout [UInt8]) {
        out += "{".utf8
        for (index, label) in labels.pairs.enumerated() {
            if index > 0 { out += ",".utf8 }
            appendJSONString(label.name, to: &out)
            out += ":".utf8
            appendJSONString(label.value, to: &out)
        }
        out += "}".utf8
    }
}

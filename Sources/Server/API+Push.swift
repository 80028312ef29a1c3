import LogModel
import NIOCore
import Storage
import Wire

/// Taking in: pushes and questions about positions.
extension API {
    /// How long a push may wait for memory before it is told to come back.
    private static let patience = TimeAmount.seconds(10)
    private static let overloaded = WireError(
        status: 503, message: "The server cannot accept more requests at this time.")

    /// What decoding and judging a push came to.
    private struct Judged: Sendable {
        var batches: [Batch] = []
        var sources: [SourceRange] = []
        var lines = 0
        var bytes = 0
        /// Why parts were refused; nil when nothing was.
        var refusal: WireError?
    }

    func push(_ call: Call) async throws(WireError) -> Answer {
        let result: Result<Answer, WireError>
        do throws(WireError) { result = .success(try await admitPush(call)) } catch {
            result = .failure(error)
        }
        let status =
            switch result {
            case .success(let answer): answer.status
            case .failure(let error): error.status
            }
        counters.update { $0.pushes[status, default: 0] += 1 }
        return try result.get()
    }

    private func admitPush(_ call: Call) async throws(WireError) -> Answer {
        let tenant = try tenancy.tenant(call.header(Tenancy.header))
        let format = try PushFormat(
            contentType: call.header("Content-Type"),
            contentEncoding: call.header("Content-Encoding"))
        let most = limits.maxReceiveMessageSize
        let declared = call.header("Content-Length").flatMap { Int($0) } ?? most
        guard declared <= most else {
            throw WireError(
                status: 413,
                message: "request body too large: message size too large than max "
                    + "(\(declared) vs \(most))")
        }
        try await enter(receiving, declared, call)
        defer { receiving.leave(weight: declared) }
        let body = try await call.body(most)
        counters.update { $0.receivedBytes += body.count }
        let size = format.declaredSize(of: body, limit: limits.maxDecompressedSize)
        try await enter(unpacking, size, call)
        defer { unpacking.leave(weight: size) }
        let judged = try await judge(body, tenant: tenant, call)
        if let refusal = judged.refusal, !judged.sources.isEmpty {
            // A push with positions is taken whole or not at all: committing them would lose what
            // was refused, and the agent finds the bad entry by halves and keeps it aside.
            throw refusal
        }
        if !judged.batches.isEmpty || !judged.sources.isEmpty {
            if let answer = try await commit(judged, tenant) { return answer }
        }
        counters.update {
            $0.pushedLines += judged.lines
            $0.pushedBytes += judged.bytes
        }
        if let refusal = judged.refusal { throw refusal }
        return .nothing
    }

    private func enter(_ turnstile: Turnstile, _ weight: Int, _ call: Call) async throws(WireError)
    {
        switch await turnstile.enter(weight: weight, patience: Self.patience, on: call.loop) {
        case .entered: return
        case .full, .late: throw Self.overloaded
        }
    }

    /// Decodes, validates and limits, on threads of its own.
    private func judge(
        _ body: [UInt8], tenant: String, _ call: Call
    ) async throws(WireError) -> Judged {
        let type = call.header("Content-Type")
        let encoding = call.header("Content-Encoding")
        try await enter(decoding, 1, call)
        defer { decoding.leave() }
        return try await bench.run { () -> Result<Judged, WireError> in
            do throws(WireError) {
                let request = try PushRequest.decode(
                    body: body, contentType: type, contentEncoding: encoding, limits: limits)
                return .success(try judge(request, tenant: tenant))
            } catch {
                return .failure(error)
            }
        }.get()
    }

    private func judge(_ request: PushRequest, tenant: String) throws(WireError) -> Judged {
        guard request.streamCount > 0 || !request.sources.isEmpty else {
            throw WireError(
                status: 422, message: "error at least one valid stream is required for ingestion")
        }
        var validation = PushValidation(limits: limits, now: now())
        for stream in request.streams { validation.add(stream) }
        var judged = Judged()
        judged.sources = request.sources
        var errors = validation.errors
        var isOverStreams = false
        for batch in validation.batches {
            do throws(StorageError) {
                try store.admit(tenant: tenant, labels: batch.labels)
                judged.batches.append(batch)
                judged.lines += batch.entries.count
                judged.bytes += batch.entries.lineBytes.count
            } catch .tooManyStreams(let limit, let tenant, let stream) {
                isOverStreams = true
                errors.add(
                    StorageError.tooManyStreams(limit: limit, tenant: tenant, stream: stream)
                        .description)
            } catch {
                throw refusal(of: error)
            }
        }
        if let text = rates.take(
            judged.bytes, lines: judged.lines, tenant: tenant, now: ContinuousClock.now)
        {
            throw WireError(status: 429, message: text)
        }
        if !errors.isEmpty {
            judged.refusal = WireError(status: isOverStreams ? 429 : 400, message: errors.text)
        }
        return judged
    }

    /// nil when the push is on disk; an answer when its positions do not follow.
    private func commit(_ judged: Judged, _ tenant: String) async throws(WireError) -> Answer? {
        do throws(StorageError) {
            try await store.commit(
                Push(tenant: tenant, batches: judged.batches, sources: judged.sources))
            return nil
        } catch .positionConflict(let positions) {
            return Answer(
                status: 409,
                json: PositionExchange.encodeAnswer(
                    positions, error: StorageError.positionConflict([]).description))
        } catch {
            throw refusal(of: error)
        }
    }

    /// What a client is told about a failure of the store: never a 4xx for what will pass.
    func refusal(of error: StorageError) -> WireError {
        switch error {
        case .full: return WireError(status: 507, message: "\(error)")
        case .overloaded, .closed: return WireError(status: 503, message: "\(error)")
        case .tooManyStreams: return WireError(status: 429, message: "\(error)")
        case .positionConflict: return WireError(status: 409, message: "\(error)")
        case .locked, .corrupt, .io:
            logger.error("storage failed", metadata: ["error": "\(error)"])
            return WireError(status: 500, message: "\(error)")
        }
    }

    /// A question has a thousand ids at most in practice; 4 MiB holds ten thousand.
    private static let mostQuestionBytes = 4 * 1024 * 1024

    func positions(_ call: Call) async throws(WireError) -> Answer {
        let tenant = try tenancy.tenant(call.header(Tenancy.header))
        let sources = try PositionExchange.decodeQuestion(
            try await call.body(Self.mostQuestionBytes))
        let found = await bench.run { () -> Result<[Position], StorageError> in
            do throws(StorageError) {
                return .success(try store.positions(tenant: tenant, sources: sources))
            } catch { return .failure(error) }
        }
        switch found {
        case .success(let positions):
            return Answer(
                json: PositionExchange.encodeAnswer(positions, maxLineSize: limits.maxLineSize))
        case .failure(let error): throw refusal(of: error)
        }
    }
}

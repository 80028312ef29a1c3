/// The part of a file that a push covers: bytes `from..<to` of one source. A source is one
/// generation of one file; its id never changes and is never used again.
package struct SourceRange: Hashable, Sendable {
    package var source: String
    package var from: Int64
    package var to: Int64
    /// How far the agent's clock of the source has got at `to`: the latest time that it has given to
    /// an event, which makes nanoseconds repeatable. A server only keeps it.
    package var events: Int64

    package init(source: String, from: Int64, to: Int64, events: Int64) {
        self.source = source
        self.from = from
        self.to = to
        self.events = events
    }
}

/// How far the server has committed a source.
package struct Position: Hashable, Sendable {
    package var source: String
    package var offset: Int64
    package var events: Int64

    package init(source: String, offset: Int64, events: Int64) {
        self.source = source
        self.offset = offset
        self.events = events
    }
}

/// One push: batches and the file ranges they came from.
package struct Push: Sendable {
    package var tenant: String
    package var batches: [Batch]
    package var sources: [SourceRange]

    package init(tenant: String, batches: [Batch], sources: [SourceRange] = []) {
        self.tenant = tenant
        self.batches = batches
        self.sources = sources
    }
}

import Bytes
import LogModel

/// What agent and server say to each other about committed positions:
///
/// ```
/// POST /cordwood/api/v1/positions   {"sources":["…"]}
/// 200                               {"maxLineSize":n,"positions":[{"source":"…","offset":n,"events":n}]}
/// 409 to a push                     {"error":"…","positions":[…]}
/// ```
package enum PositionExchange {
    /// Longest id of a source, in bytes; ids are device, inode and a nonce.
    package static let maxSourceBytes = 1024
    /// Most sources in one message.
    package static let maxSources = 10_000

    package struct Answer: Sendable, Equatable {
        package var positions: [Position] = []
        /// Bytes of the longest line that the server takes; 0: any. Nil: it does not say.
        package var maxLineSize: Int?

        package init(positions: [Position] = [], maxLineSize: Int? = nil) {
            (self.positions, self.maxLineSize) = (positions, maxLineSize)
        }
    }

    package static func encodeQuestion(sources: [String]) -> [UInt8] {
        var out = Array("{\"sources\":[".utf8)
        for (i, source) in sources.enumerated() {
            if i > 0 { out.append(UInt8(ascii: ",")) }
            appendJSONString(source, to: &out)
        }
        out.append(contentsOf: "]}".utf8)
        return out
    }

    package static func encodeAnswer(
        _ positions: [Position], error: String? = nil, maxLineSize: Int? = nil
    ) -> [UInt8] {
        var out = Array("{".utf8)
        if let maxLineSize { out.append(contentsOf: "\"maxLineSize\":\(maxLineSize),".utf8) }
        if let error {
            out.append(contentsOf: "\"error\":".utf8)
            appendJSONString(error, to: &out)
            out.append(UInt8(ascii: ","))
        }
        out.append(contentsOf: "\"positions\":[".utf8)
        for (i, position) in positions.enumerated() {
            if i > 0 { out.append(UInt8(ascii: ",")) }
            out.append(contentsOf: "{\"source\":".utf8)
            appendJSONString(position.source, to: &out)
            out.append(
                contentsOf: ",\"offset\":\(position.offset),\"events\":\(position.events)}".utf8)
        }
        out.append(contentsOf: "]}".utf8)
        return out
    }

    /// Errors: 400 for anything but a question.
    package static func decodeQuestion(_ body: [UInt8]) throws(WireError) -> [String] {
        try JSONCursor.read(body) { cursor throws(WireError) in
            var sources: [String] = []
            try cursor.object { (key, cursor) throws(WireError) in
                guard key == "sources" else { return try cursor.skip() }
                try cursor.array { cursor throws(WireError) in
                    guard sources.count < maxSources else {
                        throw .badRequest("more than \(maxSources) sources")
                    }
                    sources.append(try cursor.string("a source", limit: maxSourceBytes))
                }
            }
            return sources
        }
    }

    /// An answer, or a refusal. Errors: 400 when it is neither.
    package static func decodeAnswer(_ body: [UInt8]) throws(WireError) -> Answer {
        try JSONCursor.read(body) { cursor throws(WireError) in
            var answer = Answer()
            try cursor.object { (key, cursor) throws(WireError) in
                switch key {
                case "maxLineSize":
                    answer.maxLineSize = Int(clamping: try cursor.integer("the longest line"))
                case "positions":
                    try cursor.array { cursor throws(WireError) in
                        answer.positions.append(try position(&cursor))
                    }
                default: try cursor.skip()
                }
            }
            return answer
        }
    }

    private static func position(_ cursor: inout JSONCursor) throws(WireError) -> Position {
        var position = Position(source: "", offset: 0, events: 0)
        try cursor.object { (key, cursor) throws(WireError) in
            switch key {
            case "source":
                position.source = try cursor.string("a source", limit: maxSourceBytes)
            case "offset": position.offset = try cursor.integer("an offset")
            case "events": position.events = try cursor.signed("'events' of a position")
            default: try cursor.skip()
            }
        }
        return position
    }
}

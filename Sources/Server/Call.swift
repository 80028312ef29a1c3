import HTTPTypes
import Hummingbird
import LogModel
import NIOCore
import Wire

/// One request, as the API sees it.
struct Call: Sendable {
    let method: HTTPRequest.Method
    let path: String
    let query: String?
    let headers: HTTPFields
    let loop: any EventLoop
    /// Tells when the client goes away.
    let departure: Departure
    /// Reads the body. Errors: 413 beyond the given size, 400 when it ends too soon.
    let body: @Sendable (Int) async throws(WireError) -> [UInt8]

    /// The first value of a header.
    func header(_ name: String) -> String? {
        HTTPField.Name(name).flatMap { headers[values: $0].first }
    }

    /// Size of a form of parameters: a query of 128 KiB, every byte escaped, and room beside it.
    private static let mostFormBytes = 512 * 1024

    /// The parameters of the URL, and of the body of a form.
    func parameters() async throws(WireError) -> RequestParameters {
        let type = header("Content-Type")?.lowercased() ?? ""
        guard method == .post, type.hasPrefix("application/x-www-form-urlencoded") else {
            return try RequestParameters(query: query)
        }
        return try RequestParameters(query: query, form: try await body(Self.mostFormBytes))
    }
}

/// What goes back to a client.
struct Answer: Sendable {
    static let text = "text/plain; charset=utf-8"
    static let json = "application/json; charset=UTF-8"

    var status = 200
    var contentType = Answer.json
    var body: [UInt8] = []
    var isGzip = false

    /// An error in Loki's manner: its text and a newline.
    init(_ error: WireError) {
        status = error.status
        contentType = Self.text
        body = Array(error.message.utf8) + [0x0a]
    }

    init(status: Int = 200, json body: [UInt8]) {
        self.status = status
        self.body = body
    }

    init(status: Int = 200, text: String) {
        self.status = status
        contentType = Self.text
        body = Array(text.utf8)
    }

    /// 204.
    static let nothing: Answer = {
        var answer = Answer(json: [])
        answer.status = 204
        return answer
    }()

    var response: Response {
        var fields = HTTPFields()
        if status != 204 { fields[.contentType] = contentType }
        if isGzip { fields[.contentEncoding] = "gzip" }
        // What passes is worth another try; tell when.
        if [429, 503, 507].contains(status) { fields[.retryAfter] = "1" }
        let status = HTTPResponse.Status(code: status)
        guard !body.isEmpty else { return Response(status: status, headers: fields) }
        return Response(
            status: status, headers: fields,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}

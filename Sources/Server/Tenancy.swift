import Wire

/// Which tenant a request belongs to, by its header `X-Scope-OrgID`.
package struct Tenancy: Sendable {
    static let header = "X-Scope-OrgID"
    /// The tenant of requests without the header, as in Loki without authentication.
    static let defaultTenant = "fake"
    private static let longest = 150

    let required: Bool

    /// Without `required`, a request without a tenant belongs to `fake`.
    package init(required: Bool) { self.required = required }

    /// Errors: 401 `no org id`; 400 for an id that Loki would not take.
    package func tenant(_ value: String?) throws(WireError) -> String {
        guard let id = value, !id.isEmpty else {
            guard !required else { throw WireError(status: 401, message: "no org id") }
            return Self.defaultTenant
        }
        guard !id.contains("|") else { throw .badRequest("multiple org IDs present") }
        guard id.utf8.count <= Self.longest else {
            throw .badRequest("tenant ID is too long: max \(Self.longest) characters")
        }
        for scalar in id.unicodeScalars where !Self.isAllowed(scalar) {
            throw .badRequest("tenant ID '\(id)' contains unsupported character '\(scalar)'")
        }
        guard id != ".", id != ".." else { throw .badRequest("tenant ID is '.' or '..'") }
        return id
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9": true
        case "!", "-", "_", ".", "*", "'", "(", ")": true
        default: false
        }
    }
}

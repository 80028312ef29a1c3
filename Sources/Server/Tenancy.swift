import Wire

/// Which tenant a request belongs to, by its header `X-Scope-OrgID`.
package struct Tenancy: Sendable {
    static let header = "X-Scope-OrgID"
    /// The tenant of requests without the header, as in Loki without authentication.
    static let defaultTenant = "fake"

    let required: Bool

    /// Without `required`, a request without a tenant belongs to `fake`.
    package init(required: Bool) { self.required = required }

    /// Errors: 401 `no org id`; 400 for an id that Loki would not take.
    package func tenant(_ value: String?) throws(WireError) -> String {
        guard let id = value, !id.isEmpty else {
            guard !required else { throw WireError(status: 401, message: "no org id") }
            return Self.defaultTenant
        }
        if let fault = TenantID.fault(in: id) { throw .badRequest(fault) }
        return id
    }
}

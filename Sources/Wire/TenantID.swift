/// The id of a tenant, as `X-Scope-OrgID` has it: what Loki takes.
package enum TenantID {
    private static let longest = 150

    /// What is wrong with an id; nil for one that may be sent.
    package static func fault(in id: String) -> String? {
        if id.contains("|") { return "multiple org IDs present" }
        if id.utf8.count > longest { return "tenant ID is too long: max \(longest) characters" }
        for scalar in id.unicodeScalars where !isAllowed(scalar) {
            return "tenant ID '\(id)' contains unsupported character '\(scalar)'"
        }
        return id == "." || id == ".." ? "tenant ID is '.' or '..'" : nil
    }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9": true
        case "!", "-", "_", ".", "*", "'", "(", ")": true
        default: false
        }
    }
}

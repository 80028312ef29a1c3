import Foundation

/// The address of a server as people give it: `http://HOST:PORT`, with what a proxy puts before the paths
/// of the API, if it does.
package enum ServerAddress {
    /// What is wrong with an address, to be read behind it; nil when requests can be sent there.
    package static func fault(in text: String) -> String? {
        guard let url = URLComponents(string: text), let host = url.host, !host.isEmpty,
            ["http", "https"].contains(url.scheme?.lowercased())
        else { return "not an http:// or https:// address" }
        if url.rangeOfPort != nil, !(1...65_535).contains(url.port ?? 0) {
            return "a port is a number from 1 to 65535"
        }
        if url.query != nil || url.fragment != nil {
            return "name the server alone, with nothing behind a ? or #"
        }
        if url.path.contains("/loki/api/") {
            return "name the server alone, as http://HOST:PORT: the path is put behind it"
        }
        return nil
    }
}

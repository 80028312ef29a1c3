import Glibc
import NIOCore

/// An address that cannot be listened on, in a person's words.
package struct ListenError: Error, CustomStringConvertible {
    package let description: String

    /// `address`: `host:port`.
    package init(_ address: String, _ error: IOError) {
        var text =
            "cannot listen on \(address): "
            + String(cString: strerror(error.errnoCode)).lowercased()
        if error.errnoCode == EADDRINUSE {
            text += "; another process has it, perhaps a server that runs already"
        }
        description = text
    }
}

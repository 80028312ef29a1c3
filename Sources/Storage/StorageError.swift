import Foundation
import LogModel

/// What can go wrong with stored data, by what a caller can do about it.
package enum StorageError: Error, Sendable {
    /// A push does not follow what is committed; here is what is.
    case positionConflict([Position])
    /// No space left: try again later.
    case full(String)
    /// More is waiting than may wait: try again later.
    case overloaded(String)
    case locked(path: String, by: String)
    case tooManyStreams(limit: Int, tenant: String, stream: String)
    case corrupt(object: String, detail: String)
    case io(operation: String, path: String, detail: String)
    case closed
}

extension StorageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .positionConflict: "the pushed ranges do not follow what is committed"
        case .full(let what): "no space left on the disk: \(what)"
        case .overloaded(let what): what
        case .locked(let path, let by):
            "the data folder \(path) is in use by another server (\(by)); stop it, or choose another "
                + "folder with --data"
        case .tooManyStreams(let limit, let tenant, let stream):
            "maximum active stream limit exceeded when trying to create stream \(stream), reduce the "
                + "number of active streams (reduce labels or reduce label values), or contact your "
                + "Loki administrator to see if the limit can be increased, user: '\(tenant)' "
                + "(limit: \(limit))"
        case .corrupt(let object, let detail): "object \(object) is damaged: \(detail)"
        case .io(let operation, let path, let detail): "\(operation) \(path): \(detail)"
        case .closed: "the store is closed"
        }
    }

    /// The error of the system call that has just failed.
    static func system(_ operation: String, _ path: String) -> StorageError {
        let code = errno
        let detail = String(cString: strerror(code))
        return code == ENOSPC || code == EDQUOT
            ? .full("\(operation) \(path)") : .io(operation: operation, path: path, detail: detail)
    }
}

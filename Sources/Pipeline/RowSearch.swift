import Bytes
import Regexp

/// What every line that passes has in it, searched for in many lines at once.
enum RowSearch {
    case literal(ByteSearch)
    case sets(ByteSetSearch)

    /// What every match begins with, where that is rare. What it contains is rarer, mostly.
    init?(leading regexp: Regexp) {
        guard let search = ByteSetSearch(regexp.leadingBytes) else { return nil }
        self = .sets(search)
    }

    /// In bytes.
    var length: Int {
        switch self {
        case .literal(let search): search.needle.count
        case .sets(let search): search.length
        }
    }

    func find(in text: UnsafeRawBufferPointer, from: Int) -> Int? {
        switch self {
        case .literal(let search): search.find(in: text, from: from)
        case .sets(let search): search.find(in: text, from: from)
        }
    }
}

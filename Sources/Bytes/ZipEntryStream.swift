import CZip

/// Unpacks the entries of a zip archive one after the other, as one content: a packed log has one. The
/// archive must be whole, for its list of entries stands at its end.
package struct ZipEntryStream: ~Copyable {
    private let archive: unzFile
    private var isOpen = false
    private var isStarted = false

    /// Nil when the file cannot be opened or is no whole archive.
    package init?(path: String) {
        guard let archive = unzOpen64(path) else { return nil }
        self.archive = archive
    }

    deinit {
        if isOpen { unzCloseCurrentFile(archive) }
        unzClose(archive)
    }

    /// The next bytes, at most so many; nil behind the last entry. Throws for damaged data, and for what
    /// the library cannot unpack: encrypted entries, and methods other than stored and deflate.
    package mutating func next(_ count: Int) throws(BytesError) -> [UInt8]? {
        while true {
            if !isOpen {
                let status = isStarted ? unzGoToNextFile(archive) : unzGoToFirstFile(archive)
                if status == UNZ_END_OF_LIST_OF_FILE { return nil }
                isStarted = true
                guard status == UNZ_OK, unzOpenCurrentFile(archive) == UNZ_OK else {
                    throw .invalid("zip entry", offset: 0)
                }
                isOpen = true
            }
            var got: Int32 = 0
            let block = [UInt8](unsafeUninitializedCapacity: count) { out, size in
                got = unzReadCurrentFile(archive, out.baseAddress, UInt32(count))
                size = max(0, Int(got))
            }
            if got > 0 { return block }
            isOpen = false
            // Closing compares the checksum when all was read.
            guard got == 0, unzCloseCurrentFile(archive) == UNZ_OK else {
                throw .invalid("zip data", offset: Int(unztell64(archive)))
            }
        }
    }
}

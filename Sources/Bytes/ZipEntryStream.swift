import CZip

/// Unpacks the entries of a zip archive one after the other, as one content: a packed log has one. The
/// archive must be whole, for its list of entries stands at its end. Beside `ZipArchive`, which looks
/// entries up by name and hands each out whole below a bound: here they are of any size and have no
/// name to ask for, and a stream is moved, never shared.
package struct ZipEntryStream: ~Copyable {
    private let archive: OpaquePointer
    private var entry: OpaquePointer?
    private var nextEntry: UInt64 = 0
    private var read = 0

    /// Nil when the file cannot be opened or is no whole archive.
    package init?(path: String) {
        guard let archive = zip_open(path, ZIP_RDONLY, nil) else { return nil }
        self.archive = archive
    }

    deinit {
        if let entry { zip_fclose(entry) }
        zip_discard(archive)
    }

    /// The next bytes, at most so many; nil behind the last entry. Throws for damaged data, whose
    /// checksum is compared when all of an entry was read, and for what the library cannot unpack:
    /// encrypted entries.
    package mutating func next(_ count: Int) throws(BytesError) -> [UInt8]? {
        while true {
            guard let open = entry else {
                guard nextEntry < UInt64(max(0, zip_get_num_entries(archive, 0))) else {
                    return nil
                }
                entry = zip_fopen_index(archive, nextEntry, 0)
                guard entry != nil else { throw .invalid("zip entry", offset: read) }
                nextEntry += 1
                continue
            }
            var got: zip_int64_t = 0
            let block = [UInt8](unsafeUninitializedCapacity: count) { out, size in
                got = zip_fread(open, out.baseAddress, UInt64(count))
                size = max(0, Int(got))
            }
            read += block.count
            if got > 0 { return block }
            zip_fclose(open)
            entry = nil
            guard got == 0 else { throw .invalid("zip data", offset: read) }
        }
    }
}

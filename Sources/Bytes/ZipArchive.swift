import CZip

/// The entries of a zip file, through libzip: jars and wars, also those
/// within others. Nothing is unpacked beyond the bound that the caller sets.
package final class ZipArchive {
    private let archive: OpaquePointer
    /// What the archive reads from, when it lies in memory.
    private let memory: UnsafeMutableRawBufferPointer?

    /// Entries that are looked at: an application has a few tens of thousands.
    package static let maxEntries = 500_000

    /// Throws when the file is not there, not readable or no zip file, with libzip's words.
    package init(path: String) throws(BytesError) {
        var code: Int32 = 0
        guard let archive = zip_open(path, ZIP_RDONLY, &code) else { throw Self.error(code) }
        self.archive = archive
        memory = nil
    }

    /// An archive within another one.
    package init(_ bytes: [UInt8]) throws(BytesError) {
        // libzip reads from it until the archive is closed, so it must not move.
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        memory.copyBytes(from: bytes)
        var error = zip_error_t()
        zip_error_init(&error)
        defer { zip_error_fini(&error) }
        guard
            let source = zip_source_buffer_create(
                memory.baseAddress, UInt64(bytes.count), 0, &error)
        else {
            memory.deallocate()
            throw Self.error(zip_error_code_zip(&error))
        }
        guard let archive = zip_open_from_source(source, ZIP_RDONLY, &error) else {
            zip_source_free(source)
            memory.deallocate()
            throw Self.error(zip_error_code_zip(&error))
        }
        self.archive = archive
        self.memory = memory
    }

    deinit {
        zip_discard(archive)
        memory?.deallocate()
    }

    private static func error(_ code: Int32) -> BytesError {
        var error = zip_error_t()
        zip_error_init_with_code(&error, code)
        defer { zip_error_fini(&error) }
        return .invalid("zip file: " + String(cString: zip_error_strerror(&error)), offset: 0)
    }

    /// Names of all entries, as they are written.
    package var names: [String] {
        let count = min(zip_get_num_entries(archive, 0), Int64(Self.maxEntries))
        guard count > 0 else { return [] }
        return (0..<UInt64(count)).compactMap { index in
            zip_get_name(archive, index, 0).map { String(cString: $0) }
        }
    }

    /// The content of an entry; nil when there is none of that name. Throws for one that is larger
    /// than `limit` bytes, whatever it declares, or damaged.
    package func read(_ name: String, limit: Int) throws(BytesError) -> [UInt8]? {
        let index = zip_name_locate(archive, name, 0)
        guard index >= 0 else { return nil }
        guard let file = zip_fopen_index(archive, UInt64(index), 0) else {
            throw .invalid("zip entry \(name)", offset: 0)
        }
        defer { zip_fclose(file) }
        var out: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = zip_fread(file, &block, UInt64(block.count))
            guard count >= 0 else { throw .invalid("zip entry \(name)", offset: out.count) }
            if count == 0 { return out }
            guard out.count + Int(count) <= limit else { throw .tooLarge(limit: limit) }
            out.append(contentsOf: block[..<Int(count)])
        }
    }
}

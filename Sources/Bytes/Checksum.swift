import CScan

/// CRC-32C of bytes; `seed` is the CRC of what came before.
package func crc32c(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
    guard let base = bytes.baseAddress else { return seed }
    return cscan_crc32c(base.assumingMemoryBound(to: UInt8.self), bytes.count, seed)
}

package func crc32c(_ bytes: [UInt8], seed: UInt32 = 0) -> UInt32 {
    bytes.withUnsafeBytes { crc32c($0, seed: seed) }
}

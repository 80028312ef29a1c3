/// How up to `pageValues` values of a column are written; each kind renders exactly the bytes that
/// were there, which is tested value by value before it is chosen.
/// ```
/// u8 kind │ same      varint size, bytes: all values are this one
///         │ decimal   IntBlock: digits without leading zeros
///         │ fixed     u8 digits, IntBlock
///         │ padded    IntBlock: digits of each value, IntBlock: digits with leading zeros
///         │ hex       u8 digits, ByteBlock of two digits a byte (0-9a-f); an odd last one is low
///         │ hexUpper  the same with 0-9A-F
///         │ split     u8 parts { u8 0, u8 byte: that byte │ u8 1, values: a column of its own }
///         │ parted    u8 groups, IntBlock: group of each value,
///         │           per group: varint count, values
///         │ listed    varint count, values: distinct ones, IntBlock: which one each value is
///         │ text      IntBlock: sizes, varint size, ByteBlock
///         │ time      u8 form, u8 digits, u8 mark, u8 size, zone, IntBlock: local time less the
///         │           entry's timestamp, both in units of the last digit (whole columns only)
///         │ codes     u8 0, IntBlock: places in the column's dictionary; or
///         │           u8 1, varint newest, IntBlock: 0 the next new value, else newest less place
///         │           (whole columns only)
/// ```
enum ValueFormat {
    enum Kind: UInt8 {
        case same = 0, decimal, fixed, hex, hexUpper, split, parted, listed, text, time, codes
        case padded
    }

    static let pageValues = 4096
    static let mostDigits = 18
    static let mostParts = 40
    static let mostGroups = 12
    static let deepest = 6
}

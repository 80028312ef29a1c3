import CRE2

/// A pattern that does not compile.
package struct RegexpError: Error, Equatable, Sendable {
    package let pattern: String
    package let reason: String
}

/// A compiled regular expression: RE2's syntax and semantics, time linear in the text, memory
/// bounded. Text is bytes; a byte that is no UTF-8 matches no character class and no dot.
///
/// @unchecked: RE2 objects are immutable once compiled and documented as safe to share by threads.
package final class Regexp: @unchecked Sendable {
    /// Bound on the memory of one automaton; past it RE2 falls back to a slower, smaller engine.
    private static let maxMemoryBytes: Int64 = 8 << 20
    /// Groups beyond this are matched, but not reported.
    private static let maxReportedGroups = 64

    package let pattern: String
    private let compiled: OpaquePointer
    /// Index = number of the group; group 0 is the whole match.
    package let groupNames: [String?]
    /// What every text that matches contains.
    package let requiredText: RequiredText
    /// True when every text that contains it matches.
    package let isRequiredTextEnough: Bool
    /// Of each of the first places of a match the bytes that it may have there; none when nothing is known, or
    /// nothing matches too.
    package let leadingBytes: [Set<UInt8>]
    /// A literal that every match contains, to look for first.
    package var requiredLiteral: [UInt8]? { requiredText.literal }

    package init(_ pattern: String) throws(RegexpError) {
        self.pattern = pattern
        let spelled = try NamedGroups.spelled(pattern)
        var pattern = spelled
        var error = [CChar](repeating: 0, count: 256)
        let made = pattern.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { text in
                // An empty pattern may come without an address; any address will do for 0 bytes.
                withUnsafePointer(to: CChar(0)) { nothing in
                    cre2_new(
                        text.baseAddress ?? nothing, text.count, Self.maxMemoryBytes, &error,
                        error.count)
                }
            }
        }
        guard let made else {
            throw RegexpError(pattern: self.pattern, reason: Self.string(error))
        }
        compiled = made
        let count = min(Int(cre2_group_count(made)) + 1, Self.maxReportedGroups)
        groupNames = (0..<count).map { group in
            var name = [CChar](repeating: 0, count: 256)
            return cre2_group_name(made, Int32(group), &name, name.count) ? Self.string(name) : nil
        }
        let tree = RegexpTree(spelled)
        (requiredText, isRequiredTextEnough) = tree.map(RequiredText.of) ?? (.anything, false)
        leadingBytes = tree.map(LeadingBytes.of) ?? []
    }

    deinit { cre2_free(compiled) }

    private static func string(_ text: [CChar]) -> String {
        String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// True when the pattern matches anywhere in the text.
    package func matches(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { matches(UnsafeRawBufferPointer($0)) }
    }

    package func matches(_ text: UnsafeRawBufferPointer) -> Bool {
        cre2_matches(compiled, text.address, text.count)
    }

    /// The first match that starts at `from` or later.
    package func find(in text: UnsafeRawBufferPointer, from: Int = 0) -> Range<Int>? {
        guard from >= 0, from <= text.count else { return nil }
        var start = 0
        var end = 0
        guard cre2_search(compiled, text.address, text.count, from, 1, &start, &end) else {
            return nil
        }
        return start..<end
    }

    /// Where one group of the first match lies: empty when it took no part; nil without a match.
    package func range(ofGroup group: Int, in text: UnsafeRawBufferPointer) -> Range<Int>? {
        withUnsafeTemporaryAllocation(of: Int.self, capacity: 2 * (group + 1)) { places in
            guard group < groupNames.count, let starts = places.baseAddress else { return nil }
            let ends = starts + group + 1
            guard
                cre2_search(
                    compiled, text.address, text.count, 0, Int32(group + 1), starts, ends)
            else { return nil }
            return starts[group] < 0 ? 0..<0 : starts[group]..<ends[group]
        }
    }

    /// The groups of the first match from an offset: group 0 first, nil for one that took no part.
    package func captures(in text: UnsafeRawBufferPointer, from: Int = 0) -> [Range<Int>?]? {
        guard from >= 0, from <= text.count else { return nil }
        let count = groupNames.count
        var starts = [Int](repeating: 0, count: count)
        var ends = [Int](repeating: 0, count: count)
        guard
            cre2_search(
                compiled, text.address, text.count, from, Int32(count), &starts, &ends)
        else { return nil }
        return (0..<count).map { starts[$0] < 0 ? nil : starts[$0]..<ends[$0] }
    }
}

/// Where empty text lies: an address that is valid, because RE2 tells "no group" by a null one.
///
/// nonisolated(unsafe): one byte that nobody reads or writes.
private nonisolated(unsafe) let nowhere = UnsafeRawPointer(
    UnsafeMutableRawPointer.allocate(byteCount: 1, alignment: 1))

extension UnsafeRawBufferPointer {
    fileprivate var address: UnsafeRawPointer { baseAddress ?? nowhere }
}

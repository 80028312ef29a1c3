import LogModel

/// `| regexp` on a shape: the search of a backtracking matcher, leftmost first, over units instead of
/// bytes. Where a hole could let it go another way in some line, it gives up.
package struct RegexpShape {
    /// Where each group lies, in units.
    package typealias Groups = [Int: Range<Int>]

    package enum Outcome {
        /// The same in every line.
        case match(Groups)
        /// In no line.
        case none
        /// Lines differ, or may.
        case unsure
    }

    /// What a search may cost: half a million shapes are looked at for one query.
    private static let mostSteps = 4096

    private let shape: LineShape
    private let elements: [RegexpSequence.Element]
    private let reach: RegexpReach
    private var steps = 0
    private var opened: [Int: Int] = [:]

    package init(_ sequence: RegexpSequence, _ shape: LineShape) {
        self.shape = shape
        elements = sequence.elements
        reach = RegexpReach(sequence.elements, shape)
    }

    /// Units outside of which no match has a part: what is found in their text is found in the line.
    package var window: Range<Int>? {
        guard var window = reach.window() else { return nil }
        if elements.contains(.start) { window = 0..<window.upperBound }
        if elements.contains(.end) { window = window.lowerBound..<shape.units.count }
        return window
    }

    /// The first match.
    package mutating func search() -> Outcome {
        let isAnchored = elements.first { !$0.isOpening } == .start
        for start in 0...shape.units.count {
            // If the hole is empty, a match begins at the next unit.
            if !isAnchored, hole(start) != nil, !reach.mayMatch(0, inside: start) { continue }
            let outcome = match(0, at: start)
            guard case .none = outcome else { return outcome }
            if isAnchored { break }
            if let hole = hole(start), mayBeginInside(hole, start) { return .unsure }
        }
        return .none
    }

    private func hole(_ unit: Int) -> LineShape.Hole? {
        guard unit < shape.units.count else { return nil }
        return shape.units[unit].hole.map { shape.holes[$0] }
    }

    /// Whether a match may begin behind the first byte of a hole, at whose beginning none does.
    private func mayBeginInside(_ hole: LineShape.Hole, _ unit: Int) -> Bool {
        guard reach.mayMatch(0, inside: unit) else { return false }
        // A run ends where the one from the hole's beginning ends, and that does not match.
        let first = elements.first { !$0.isOpening }
        guard case .run(let kind, let least, nil, _)? = first, least <= 1 else { return true }
        return !hole.bytes.isSubset(of: kind.members)
    }

    private mutating func match(_ index: Int, at unit: Int) -> Outcome {
        steps += 1
        guard steps < Self.mostSteps else { return .unsure }
        guard index < elements.count else { return .match([:]) }
        guard reach.mayMatch(index, at: unit) else { return .none }
        switch elements[index] {
        // In a hole a character is not the same in every line.
        case .byte: return hole(unit) == nil ? match(index + 1, at: unit + 1) : .unsure
        case .run(let kind, let least, let most, let isLazy):
            return run(kind, least, most, isLazy, index, at: unit)
        case .open(let number):
            let before = opened[number]
            opened[number] = unit
            defer { opened[number] = before }
            return match(index + 1, at: unit)
        case .close(let number):
            let start = opened[number] ?? unit
            let outcome = match(index + 1, at: unit)
            guard case .match(var groups) = outcome else { return outcome }
            groups[number] = start..<unit
            return .match(groups)
        case .start: return unit == 0 ? match(index + 1, at: unit) : .none
        case .end:
            // Behind it stands nothing, or holes that may be empty.
            return unit == shape.units.count ? match(index + 1, at: unit) : .unsure
        }
    }

    /// Characters of one kind, and what follows them.
    private mutating func run(
        _ kind: RegexpSequence.CharacterClass, _ least: Int, _ most: Int?, _ isLazy: Bool,
        _ index: Int, at start: Int
    ) -> Outcome {
        var ends: [Int] = []
        var count = 0
        var unit = start
        scan: while true {
            if count >= least {
                ends.append(unit)
                if isLazy {
                    let outcome = rest(index, from: start, to: unit, isLazy: true)
                    guard case .none = outcome else { return outcome }
                }
            } else if unit > start, hole(unit - 1) != nil {
                // How many characters stand in it differs.
                return .unsure
            }
            guard unit < shape.units.count, most.map({ count < $0 }) ?? true else { break }
            switch step(kind, unit, isBounded: most != nil) {
            case .stop: break scan
            case .unsure: return .unsure
            case .on(let more):
                count += more
                unit += 1
            }
        }
        if isLazy { return .none }
        for end in ends.reversed() {
            let outcome = rest(index, from: start, to: end, isLazy: false)
            guard case .none = outcome else { return outcome }
        }
        return .none
    }

    private enum Step {
        /// So many characters more, at least.
        case on(Int)
        case stop
        case unsure
    }

    private func step(
        _ kind: RegexpSequence.CharacterClass, _ unit: Int, isBounded: Bool
    ) -> Step {
        if let byte = shape.units[unit].byte {
            if kind.members.contains(byte) { return .on(1) }
            return kind.possible.contains(byte) ? .unsure : .stop
        }
        guard let hole = hole(unit) else { return .unsure }
        if hole.bytes.isDisjoint(with: kind.possible) {
            return hole.shortest > 0 ? .stop : .unsure
        }
        guard !isBounded, hole.bytes.isSubset(of: kind.members) else { return .unsure }
        return .on(hole.shortest)
    }

    /// What follows a run that ends at a unit, or within the hole before it.
    private mutating func rest(
        _ index: Int, from start: Int, to end: Int, isLazy: Bool
    ) -> Outcome {
        let mayEndInside =
            end > start && hole(end - 1) != nil && reach.mayMatch(index + 1, inside: end - 1)
        // The nearer end is tried first.
        if isLazy, mayEndInside { return .unsure }
        let outcome = match(index + 1, at: end)
        guard case .none = outcome else { return outcome }
        return mayEndInside ? .unsure : .none
    }
}

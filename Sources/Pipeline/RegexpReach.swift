import LogModel

/// Where the rest of a regular expression may match in some line of a shape, and where in none. It
/// errs to one side only: what it rules out no line has.
///
/// Filled in from the end of the shape backwards; an element that repeats has two states, because it
/// may be left once it has taken a character.
struct RegexpReach {
    private let shape: LineShape
    private let elements: [RegexpSequence.Element]
    /// By unit, element and whether it has taken something: from the beginning of the unit.
    private var starts: [Bool]
    /// The same from within a hole, at least one byte of which follows.
    private var insides: [Bool]
    /// From this unit on a line may be empty.
    private let lastSolid: Int

    init(_ elements: [RegexpSequence.Element], _ shape: LineShape) {
        self.elements = elements
        self.shape = shape
        let count = (shape.units.count + 1) * (elements.count + 1) * 2
        starts = Array(repeating: false, count: count)
        insides = starts
        let solid = shape.units.lastIndex { unit in
            unit.hole.map { shape.holes[$0].shortest > 0 } ?? true
        }
        lastSolid = solid.map { $0 + 1 } ?? 0
        for unit in (0...shape.units.count).reversed() {
            let hole = unit < shape.units.count ? shape.units[unit].hole : nil
            for element in (0...elements.count).reversed() {
                if let hole { fillInside(unit, element, shape.holes[hole]) }
                for hasTaken in [true, false] {
                    starts[place(unit, element, hasTaken)] = start(unit, element, hasTaken, hole)
                }
            }
        }
    }

    /// The units that matches may reach over; nil when no line has any.
    func window() -> Range<Int>? {
        var first: Int?
        var end = 0
        var seen = Array(repeating: false, count: starts.count * 2)
        var waiting: [State] = []
        func visit(_ state: State) {
            let place = place(state.unit, state.element, state.hasTaken)
            let seenPlace = place * 2 + (state.isInside ? 1 : 0)
            guard state.isInside ? insides[place] : starts[place], !seen[seenPlace] else { return }
            seen[seenPlace] = true
            waiting.append(state)
        }
        for unit in 0...shape.units.count {
            let before = waiting.count
            visit(State(unit: unit, element: 0, hasTaken: false, isInside: false))
            visit(State(unit: unit, element: 0, hasTaken: false, isInside: true))
            if first == nil, waiting.count > before { first = unit }
        }
        while let state = waiting.popLast() {
            if state.element == elements.count {
                end = max(end, state.isInside ? state.unit + 1 : state.unit)
            } else {
                forEachNext(state, visit)
            }
        }
        return first.map { $0..<max($0, end) }
    }

    /// Where a search may stand: at the beginning of a unit, or inside a hole.
    private struct State {
        var unit: Int
        var element: Int
        var hasTaken: Bool
        var isInside: Bool
    }

    /// Steps that a search may take from a state; some lead nowhere.
    private func forEachNext(_ state: State, _ visit: (State) -> Void) {
        func go(_ unit: Int, _ element: Int, _ hasTaken: Bool, _ isInside: Bool) {
            visit(State(unit: unit, element: element, hasTaken: hasTaken, isInside: isInside))
        }
        let (unit, element) = (state.unit, state.element)
        let hole = unit < shape.units.count ? shape.units[unit].hole : nil
        if hole != nil, !state.isInside {
            go(unit, element, state.hasTaken, true)
            go(unit + 1, element, state.hasTaken, false)
        }
        switch elements[element] {
        case .open, .close, .start, .end: go(unit, element + 1, false, state.isInside)
        case .byte:
            if unit < shape.units.count { go(unit + 1, element + 1, false, false) }
            if hole != nil { go(unit, element + 1, false, true) }
        case .run(_, let least, _, _):
            if state.hasTaken || least == 0 { go(unit, element + 1, false, state.isInside) }
            if unit < shape.units.count { go(unit + 1, element, true, false) }
            if hole != nil { go(unit, element, true, true) }
        }
    }

    /// Whether the rest from an element on may match from the beginning of a unit on.
    func mayMatch(_ element: Int, at unit: Int) -> Bool { starts[place(unit, element, false)] }

    /// The same from somewhere behind the first byte of a hole.
    func mayMatch(_ element: Int, inside unit: Int) -> Bool {
        insides[place(unit, element, false)]
    }

    private func place(_ unit: Int, _ element: Int, _ hasTaken: Bool) -> Int {
        (unit * (elements.count + 1) + element) * 2 + (hasTaken ? 1 : 0)
    }

    private mutating func fillInside(_ unit: Int, _ element: Int, _ hole: LineShape.Hole) {
        let (taken, fresh) = (place(unit, element, true), place(unit, element, false))
        guard element < elements.count else {
            insides[taken] = true
            insides[fresh] = true
            return
        }
        let behind = insides[place(unit, element + 1, false)]
        switch elements[element] {
        case .byte(let byte):
            let isThere =
                hole.bytes.contains(byte)
                && (behind || starts[place(unit + 1, element + 1, false)])
            insides[taken] = isThere
            insides[fresh] = isThere
        case .run(let kind, let least, _, _):
            let goesOn = !hole.bytes.isDisjoint(with: kind.possible)
            insides[taken] = behind || goesOn && starts[place(unit + 1, element, true)]
            insides[fresh] = least == 0 && behind || goesOn && insides[taken]
        case .open, .close:
            insides[taken] = behind
            insides[fresh] = behind
        case .start, .end: break
        }
    }

    private func start(_ unit: Int, _ element: Int, _ hasTaken: Bool, _ hole: Int?) -> Bool {
        guard element < elements.count else { return true }
        switch elements[element] {
        case .open, .close: return starts[place(unit, element + 1, false)]
        case .start: return unit == 0 && starts[place(unit, element + 1, false)]
        case .end: return unit >= lastSolid
        case .byte, .run: break
        }
        if let hole {
            return insides[place(unit, element, hasTaken)]
                || shape.holes[hole].shortest == 0 && starts[place(unit + 1, element, hasTaken)]
        }
        let byte = unit < shape.units.count ? shape.units[unit].byte : nil
        switch elements[element] {
        case .byte(let wanted):
            return byte == wanted && starts[place(unit + 1, element + 1, false)]
        case .run(let kind, let least, _, _):
            if hasTaken || least == 0, starts[place(unit, element + 1, false)] { return true }
            return byte.map { kind.possible.contains($0) } == true
                && starts[place(unit + 1, element, true)]
        default: return false
        }
    }
}

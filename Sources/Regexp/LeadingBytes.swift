/// The bytes that every match begins with, place by place: a search for them finds where the automaton is
/// worth its cost.
///
/// What a pattern takes is walked as a nondeterministic automaton over bytes (Thompson, "Regular Expression Search
/// Algorithm", 1968), of which all states are followed at once for a few bytes.
struct LeadingBytes {
    /// Places that are told: more rule out hardly anything that these do not.
    private static let mostPlaces = 8
    /// Beyond that nothing is told.
    private static let mostStates = 4096

    /// Edges by state: those that take a byte, and those that take none.
    private var takes: [[(bytes: Set<UInt8>, to: Int)]] = [[]]
    private var leads: [[Int]] = [[]]
    private var isTooLarge = false

    /// Of each place the bytes that a match may have there; as many places as the shortest match has, and
    /// not more than a few.
    static func of(_ tree: RegexpTree) -> [Set<UInt8>] {
        var automaton = LeadingBytes()
        let end = automaton.add(tree, from: 0)
        guard !automaton.isTooLarge else { return [] }
        var places: [Set<UInt8>] = []
        var states = automaton.closure(of: [0])
        while places.count < mostPlaces, !states.contains(end) {
            var bytes: Set<UInt8> = []
            var next: Set<Int> = []
            for state in states {
                for edge in automaton.takes[state] {
                    bytes.formUnion(edge.bytes)
                    next.insert(edge.to)
                }
            }
            // A pattern that nothing matches.
            if bytes.isEmpty { break }
            places.append(bytes)
            states = automaton.closure(of: next)
        }
        return places
    }

    private func closure(of states: Set<Int>) -> Set<Int> {
        var found = states
        var open = Array(states)
        while let state = open.popLast() {
            for next in leads[state] where found.insert(next).inserted { open.append(next) }
        }
        return found
    }

    private mutating func newState() -> Int {
        if takes.count >= Self.mostStates { isTooLarge = true }
        takes.append([])
        leads.append([])
        return takes.count - 1
    }

    /// Adds what a tree takes behind a state; gives the state behind it.
    private mutating func add(_ tree: RegexpTree, from state: Int) -> Int {
        guard !isTooLarge else { return state }
        switch tree {
        case .nothing, .anchor: return state
        case .text(let bytes, let ignoringCase):
            return bytes.reduce(state) { add($1, ignoringCase, from: $0) }
        case .oneOf(let ascii, let beyond): return add(ascii, beyond, from: state)
        case .sequence(let parts): return parts.reduce(state) { add($1, from: $0) }
        case .either(let branches):
            let end = newState()
            for branch in branches {
                let start = newState()
                leads[state].append(start)
                let last = add(branch, from: start)
                leads[last].append(end)
            }
            return end
        case .repeated(let part, let least, let most):
            // Copies that cannot begin within the places that are told need not be there.
            let copies = min(least, Self.mostPlaces)
            var last = state
            for _ in 0..<copies { last = add(part, from: last) }
            guard most != copies else { return last }
            let start = newState()
            leads[last].append(start)
            let end = add(part, from: start)
            leads[end].append(start)
            return start
        }
    }

    private mutating func add(_ byte: UInt8, _ ignoringCase: Bool, from state: Int) -> Int {
        let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        guard ignoringCase, isLetter else { return add([byte], false, from: state) }
        let isFoldedBeyond = RegexpTree.foldedBeyondASCII.contains(byte)
        return add([byte, byte ^ 0x20], isFoldedBeyond, from: state)
    }

    /// `beyond`: or a character of two bytes or more.
    private mutating func add(_ bytes: Set<UInt8>, _ beyond: Bool, from state: Int) -> Int {
        let end = newState()
        if !bytes.isEmpty { takes[state].append((bytes, end)) }
        guard beyond else { return end }
        let (led, more) = (newState(), newState())
        let continuation = Set<UInt8>(0x80...0xbf)
        takes[state].append((Set(0xc0...0xff), led))
        takes[led].append((continuation, more))
        takes[more].append((continuation, more))
        leads[more].append(end)
        return end
    }
}

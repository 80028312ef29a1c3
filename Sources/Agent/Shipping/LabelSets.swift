import LogModel

/// Label sets of one file that come again and again: to make one costs more than all else that is done
/// for an event.
struct LabelSets {
    private var known: [(pairs: [Label], set: Labels)] = []
    private var latest = 0
    /// As many as there are levels and streams; others are made each time.
    private static let most = 16

    /// The set of one pair.
    mutating func set(_ name: String, _ value: String) -> Labels {
        if latest < known.count, known[latest].pairs.count == 1,
            known[latest].pairs[0].name.hasSameBytes(as: name),
            known[latest].pairs[0].value.hasSameBytes(as: value)
        {
            return known[latest].set
        }
        return set([Label(name, value)])
    }

    /// The set of these pairs, and of what `all` adds to them.
    mutating func set(_ pairs: [Label], all: ([Label]) -> [Label] = { $0 }) -> Labels {
        if latest < known.count, known[latest].pairs == pairs { return known[latest].set }
        if let place = known.firstIndex(where: { $0.pairs == pairs }) {
            latest = place
            return known[place].set
        }
        let set = Labels(all(pairs))
        if known.count < Self.most {
            latest = known.count
            known.append((pairs, set))
        }
        return set
    }
}

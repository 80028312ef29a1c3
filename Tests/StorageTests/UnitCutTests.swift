import Segment
import Storage
import Testing

@Suite struct UnitCutTests {
    private func piece(_ run: Int, _ first: Int64, _ last: Int64, bytes: Int) -> UnitCut.Piece {
        UnitCut.Piece(
            run: run,
            slice: Slice(
                stream: 0, frame: 0, firstRow: 0, rows: 1, first: first, last: last, bytes: bytes))
    }

    /// Every moment of every slice belongs to one unit that knows the slice, and units never overlap.
    @Test func everyMomentIsInOneUnit() {
        let seed: UInt64 = 20_261_121
        var random = Generator(state: seed)
        for round in 0..<3000 {
            var pieces: [UnitCut.Piece] = []
            for run in 0..<Int.random(in: 1...4, using: &random) {
                var at = Int64.random(in: -20...60, using: &random)
                for _ in 0..<Int.random(in: 0...5, using: &random) {
                    let last = at + Int64.random(in: 0...25, using: &random)
                    let bytes = [10, 300_000, 4_000_000].randomElement(using: &random) ?? 0
                    pieces.append(piece(run, at, last, bytes: bytes))
                    // Slices of a run may share a time.
                    at = last + Int64.random(in: 0...9, using: &random)
                }
            }
            pieces.sort { $0.slice.first < $1.slice.first }
            let units = UnitCut.units(pieces)
            for (unit, next) in zip(units, units.dropFirst()) {
                #expect(unit.high < next.low, "seed \(seed), round \(round)")
            }
            for (index, piece) in pieces.enumerated() {
                for moment in piece.slice.first...piece.slice.last {
                    let holders = units.filter { $0.low <= moment && moment <= $0.high }
                    #expect(
                        holders.count == 1 && holders[0].pieces.contains(index),
                        "\(moment), seed \(seed), round \(round)")
                }
            }
        }
    }

    @Test func aRunThatStandsAloneIsReadByItself() {
        // An hour of one segment, of which the next one knows the last minute.
        let pieces = [
            piece(0, 0, 3600, bytes: 4_000_000), piece(1, 3540, 7200, bytes: 4_000_000),
        ]
        let units = UnitCut.units(pieces)
        #expect(units.map(\.pieces) == [[0], [0, 1], [1]])
        #expect(units.map(\.low) == [0, 3540, 3601] && units.map(\.high) == [3539, 3600, 7200])
        #expect(UnitCut.units([piece(0, .min, .max, bytes: 1)]).count == 1)
        #expect(UnitCut.units([]).isEmpty)
    }
}

import LogModel
import Testing
import cordwood

@Suite struct TailWindows {
    private static let second = Nanoseconds.second
    private let now = 1_000_000 * second

    private func window(since: Int64 = 3600, late: Int64 = 300) -> TailWindow {
        TailWindow(
            begin: now - since * Self.second, late: late * Self.second, now: now)
    }

    @Test func theWholeSpanIsAskedForNowAndThen() {
        var window = window()
        var wholes: [Int64] = []
        for step in 0..<60 {
            let time = now + Int64(step) * Self.second / 2
            let span = window.next(time)
            #expect(span.end > time)
            if span.isWhole {
                wholes.append(Int64(step))
                // At first everything since the beginning, however long that is ago.
                #expect(span.start == time - (step == 0 ? 3600 : 300) * Self.second)
            } else {
                #expect(span.start > time - 60 * Self.second && span.start < time)
            }
            window.answered(span, began: time, now: time, oldest: nil)
        }
        #expect(wholes == [0, 10, 20, 30, 40, 50])
    }

    @Test func nothingBeforeTheBeginningIsAskedFor() {
        var window = window(since: 2)
        let first = window.next(now)
        #expect(first.isWhole && first.start == now - 2 * Self.second)
        window.answered(first, began: now, now: now, oldest: nil)
        #expect(window.next(now + Self.second).start == now - 2 * Self.second)
    }

    /// The server is away when `tail` starts.
    @Test func theBeginningIsAskedForUntilThereIsAnAnswer() {
        var window = window()
        window.failed(now + Self.second)
        let later = now + 400 * Self.second
        #expect(window.next(later).start == now - 3600 * Self.second)
        window.answered(window.next(later), began: later, now: later, oldest: nil)
        #expect(window.next(later + Self.second).start > now)
    }

    /// A span that takes long is asked for less often.
    @Test func largeSpansTakeATenthOfTheTime() {
        var window = window()
        let span = window.next(now)
        let after = now + 3 * Self.second
        window.answered(span, began: now, now: after, oldest: nil)
        #expect(!window.next(after + 29 * Self.second).isWhole)
        #expect(window.next(after + 30 * Self.second).isWhole)
    }

    @Test func theTimeBeforeAnOutageStaysUntilAgentsHaveCaughtUp() {
        var window = window(late: 60)
        window.answered(window.next(now), began: now, now: now, oldest: nil)
        let reach = now - 60 * Self.second
        var time = now
        for _ in 0..<100 {
            time += 10 * Self.second
            window.failed(time)
            #expect(window.wholeStart(time) == reach)
        }
        // Back: agents may take as long as any late entry, and longer while old ones come.
        for _ in 0..<8 {
            let span = window.next(time)
            #expect(span.isWhole && span.start == reach)
            window.answered(span, began: time, now: time, oldest: reach + 1)
            time += 59 * Self.second
        }
        let last = window.next(time)
        #expect(last.start == reach)
        time += 2 * Self.second
        window.answered(last, began: time, now: time, oldest: nil)
        #expect(window.wholeStart(time) == time - 60 * Self.second)
    }
}

import NIOCore
import NIOPosix
import Server
import Testing

@Suite struct Turnstiles {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()
    private let long = TimeAmount.hours(1)

    @Test func letsInAsMuchAsThereIsRoomFor() async {
        let turnstile = Turnstile(capacity: 10, mostWaiting: 1)
        #expect(await turnstile.enter(weight: 4, patience: long, on: loop) == .entered)
        #expect(await turnstile.enter(weight: 6, patience: long, on: loop) == .entered)
        async let second = turnstile.enter(weight: 5, patience: long, on: loop)
        while turnstile.waiting == 0 { await Task.yield() }
        #expect(await turnstile.enter(weight: 1, patience: long, on: loop) == .full)
        turnstile.leave(weight: 4)
        #expect(turnstile.waiting == 1)
        turnstile.leave(weight: 6)
        #expect(await second == .entered)
    }

    @Test func patienceEnds() async {
        let turnstile = Turnstile(capacity: 1, mostWaiting: 5)
        #expect(await turnstile.enter(patience: long, on: loop) == .entered)
        #expect(await turnstile.enter(patience: .milliseconds(1), on: loop) == .late)
        #expect(turnstile.waiting == 0)
        turnstile.leave()
        #expect(await turnstile.enter(patience: long, on: loop) == .entered)
    }

    @Test func whatIsTooHeavyEntersAlone() async {
        let turnstile = Turnstile(capacity: 10, mostWaiting: 1)
        #expect(await turnstile.enter(weight: 1000, patience: long, on: loop) == .entered)
        #expect(await turnstile.enter(weight: 1, patience: .milliseconds(1), on: loop) == .late)
        turnstile.leave(weight: 1000)
        #expect(await turnstile.enter(weight: 10, patience: long, on: loop) == .entered)
    }

    @Test func nobodyIsForgotten() async {
        let turnstile = Turnstile(capacity: 3, mostWaiting: 10_000)
        await withTaskGroup(of: Void.self) { group in
            for weight in 0..<2000 {
                group.addTask {
                    let admission = await turnstile.enter(
                        weight: weight % 4, patience: long, on: loop)
                    #expect(admission == .entered)
                    await Task.yield()
                    turnstile.leave(weight: weight % 4)
                }
            }
        }
        #expect(turnstile.waiting == 0)
        #expect(await turnstile.enter(weight: 3, patience: .milliseconds(1), on: loop) == .entered)
    }
}

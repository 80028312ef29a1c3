import Dispatch
import Foundation
import Synchronization

/// A line on stderr while something takes longer than a second: how long it has taken, and what is
/// known so far. Only where a person watches, and gone when the command ends. Owned by the command,
/// which calls `end`.
final class Progress: Sendable {
    private struct State {
        var news = ""
        var isShown = false
        var hasEnded = false
    }

    /// What ends sooner needs no progress.
    private static let patience: DispatchTimeInterval = .seconds(1)
    private static let every: DispatchTimeInterval = .milliseconds(500)
    /// A line that wraps could not be erased: the width of the narrowest terminal, less the cursor.
    private static let mostCharacters = 79

    private let began = ContinuousClock.now
    private let state = Mutex(State())
    /// Not a task: commands block, and a thread of the pool may have to wait for them.
    /// `nonisolated(unsafe)`: any thread may call a source of Dispatch.
    nonisolated(unsafe) private let timer = DispatchSource.makeTimerSource(queue: .global())

    init() {
        if isatty(STDERR_FILENO) == 0 { state.withLock { $0.hasEnded = true } }
        timer.setEventHandler { [weak self] in self?.show() }
        timer.schedule(deadline: .now() + Self.patience, repeating: Self.every)
        timer.resume()
    }

    /// Takes what is known by now.
    func update(_ news: String) { state.withLock { $0.news = news } }

    /// Prints while no progress is on the screen: the answer may go to the same terminal.
    func aside(_ print: () -> Void) {
        // The lock is held as long as printing takes: nothing may be drawn into it.
        state.withLock { state in
            Self.erase(&state)
            print()
        }
    }

    func end() {
        state.withLock { state in
            state.hasEnded = true
            Self.erase(&state)
        }
        timer.cancel()
    }

    private func show() {
        state.withLock { state in
            guard !state.hasEnded else { return }
            let seconds = (ContinuousClock.now - began).components.seconds
            let text = "\(seconds) s" + (state.news.isEmpty ? "" : ": \(state.news)")
            let line = TerminalText.safe(text).prefix(Self.mostCharacters)
            FileHandle.standardError.write(Data("\r\u{1b}[K\(line)".utf8))
            state.isShown = true
        }
    }

    private static func erase(_ state: inout State) {
        if state.isShown { FileHandle.standardError.write(Data("\r\u{1b}[K".utf8)) }
        state.isShown = false
    }
}

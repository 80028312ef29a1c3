import Dispatch

/// Own threads for work that blocks or takes long: decoding, reading, querying. The cooperative
/// pool has one thread per core, and a query on it would keep every other request waiting. How
/// much runs at once is bounded by the turnstiles in front.
struct Workbench: Sendable {
    private let queue = DispatchQueue(label: "cordwood.workbench", attributes: .concurrent)

    func run<T: Sendable>(_ work: @escaping @Sendable () -> T) async -> T {
        await withCheckedContinuation { done in
            queue.async { done.resume(returning: work()) }
        }
    }
}

import NIOCore

/// Sees a client close its connection while its answer is being made. One per connection, on its
/// event loop.
final class DepartureHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Any

    var action: (@Sendable () -> Void)?

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { action?() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        action?()
        context.fireChannelInactive()
    }
}

/// Lets a request be told that nobody waits for its answer any more.
struct Departure: Sendable {
    private let channel: (any Channel)?

    init(_ channel: (any Channel)?) { self.channel = channel }

    /// Calls the action when the client goes away; until the next call, or `forget`.
    func notify(_ action: @escaping @Sendable () -> Void) { set(action) }

    func forget() { set(nil) }

    private func set(_ action: (@Sendable () -> Void)?) {
        guard let channel else { return }
        channel.eventLoop.execute {
            let handler = try? channel.pipeline.syncOperations.handler(type: DepartureHandler.self)
            handler?.action = action
            if !channel.isActive { action?() }
        }
    }
}

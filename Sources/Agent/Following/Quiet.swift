/// How long nothing must have come from a file, in nanoseconds.
struct Quiet {
    /// One that was deleted or renamed is read out then.
    let deleted: UInt64
    let renamed: UInt64
    /// A deleted one of which a longer copy stands there is read on in that one by then.
    let replaced: UInt64
    /// One that stands, under whatever name, in a folder that no pattern reaches any more, is waited for so
    /// long: nobody tells of news in it. An instance of an old release takes minutes to be drained.
    let outOfReach: UInt64
    /// An event waits so long for more lines.
    let event: UInt64
    /// So long when half a line stands behind it: whoever began it goes on, unless it crashed.
    let tornEvent: UInt64
    /// Events that lines keep coming to are handed out then: a trace is written at once, and whoever
    /// prints a line a second would be waited for without end.
    let openEvent: UInt64
    /// The file is closed then when another one waits for a descriptor.
    let idle: UInt64

    init(patience: Double) {
        func scaled(_ seconds: Double) -> UInt64 { UInt64(seconds * patience * 1e9) }
        deleted = scaled(0.5)
        renamed = scaled(5)
        replaced = max(scaled(10), 5_000_000_000)
        outOfReach = scaled(600)
        event = scaled(1)
        tornEvent = scaled(30)
        openEvent = scaled(10)
        idle = scaled(1)
    }
}

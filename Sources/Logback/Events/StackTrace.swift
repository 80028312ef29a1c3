import Bytes
import LogModel

/// What the stack trace of an event tells, so that the same failure is found again: in the words of
/// `Throwable.printStackTrace`, of Logback's `%ex` and `%rEx`, of Kotlin and of Scala.
///
///     java.lang.IllegalStateException: cannot pay          exception
///     	at com.shop.Pay.pay(Pay.java:42)                     frame, the first of an own class
///     	Suppressed: …                                        passed over, and what is set in under it
///     Caused by: java.net.ConnectException: refused        root cause, the last of them
///
/// The whole may be set in, as Tomcat does it in `catalina.log`.
///
/// The hash is over names of throwables and of methods. Line numbers, messages, numbers of lambdas, closures
/// and anonymous classes, and whole frames of proxies and reflection are left out of it: they change
/// from build to build and from call to call.
package struct StackTrace: Sendable, Equatable {
    /// The class of the throwable that was logged.
    package private(set) var exception = ""
    /// The class at the end of the chain of causes; the same where there is no cause.
    package private(set) var rootCause = ""
    /// 16 hexadecimal digits.
    package private(set) var hash = ""
    /// `com.shop.Pay.pay(Pay.java:42)`; nil where no class of the trace is an own one.
    package private(set) var frame: String?

    /// Nil for a text without a trace. `isSurely`: it is no message, though it may be a throwable's name alone.
    package init?(
        of text: UnsafeRawBufferPointer, own: OwnPackages, isSurely: Bool = false
    ) {
        guard let start = Self.start(of: text, isSurely) else { return nil }
        var reading = Reading(own: own)
        reading.begin(text, start)
        var at = start.next
        while let line = TraceLine.next(in: text, &at) { reading.take(line, of: text) }
        exception = String(decoding: text[reading.exception], as: UTF8.self)
        rootCause = String(decoding: text[reading.rootCause], as: UTF8.self)
        hash = reading.hash.hex
        frame = reading.frame.map { String(decoding: text[$0], as: UTF8.self) }
    }

    /// Where the first throwable is named, and how far that line is set in.
    fileprivate struct Start {
        let name: Range<Int>
        let indent: Int
        /// The offset behind the line.
        let next: Int
    }

    /// On the first line of those in front of the frames that begins as a throwable. A line with a name
    /// as throwables have them is preferred, and one that is not set in.
    private static func start(of text: UnsafeRawBufferPointer, _ isSurely: Bool) -> Start? {
        var at = 0
        var likely: Start?
        var usual: Start?
        var setIn: Start?
        var before: (line: TraceLine, next: Int)?
        var isFirst = true
        while let line = TraceLine.next(in: text, &at) {
            if line.isFrame(of: text) {
                if let found = usual ?? likely { return found }
                if let setIn, setIn.indent < line.indent { return setIn }
                // Layouts may write the throwable behind the message.
                return before.flatMap { before in
                    name(within: before.line.range, of: text).map {
                        Start(name: $0, indent: 0, next: before.next)
                    }
                }
            }
            if let name = line.throwable(of: text) {
                let isUsual = ClassName.isUsual(name, of: text)
                let start = Start(name: name, indent: line.indent, next: at)
                if line.indent > 0 {
                    if isUsual, setIn == nil { setIn = start }
                } else if isUsual {
                    // Without any frame, a name at the very start may be a message's.
                    if isFirst, at >= text.count, !isSurely { return nil }
                    if usual == nil { usual = start }
                } else if likely == nil, text[name].contains(UInt8(ascii: ".")) {
                    likely = start
                }
            }
            before = (line, at)
            isFirst = false
        }
        return usual
    }

    /// The first word of a line that names a throwable.
    private static func name(
        within line: Range<Int>, of text: UnsafeRawBufferPointer
    ) -> Range<Int>? {
        var at = line.lowerBound
        while at < line.upperBound {
            if let name = ClassName.range(in: text, at..<line.upperBound),
                ClassName.isUsual(name, of: text)
            {
                return name
            }
            guard let blank = text[at..<line.upperBound].firstIndex(of: 0x20) else { return nil }
            at = blank + 1
        }
        return nil
    }

    /// As structured metadata of the entry.
    package var labels: [Label] {
        var labels = [
            Label("exception", exception), Label("root_cause", rootCause),
            Label("stack_hash", hash),
        ]
        if let frame { labels.append(Label("frame", frame)) }
        return labels
    }
}

/// What is known so far while the lines of a trace are read.
private struct Reading {
    let own: OwnPackages
    var exception = 0..<0
    var rootCause = 0..<0
    var frame: Range<Int>?
    var hash = TraceHash()
    /// Lines of a suppressed throwable are set in; the chain goes on without.
    private var isInSuppressed = false
    private var lastFrame: UInt64 = 0
    /// How far the lines of the chain are set in.
    private var margin = 0

    init(own: OwnPackages) { self.own = own }

    mutating func begin(_ text: UnsafeRawBufferPointer, _ start: StackTrace.Start) {
        margin = start.indent
        exception = start.name
        rootCause = start.name
        hash.add(text, start.name)
    }

    mutating func take(_ line: TraceLine, of text: UnsafeRawBufferPointer) {
        switch line.kind(of: text) {
        case .cause(let name):
            guard line.indent == margin else { return }
            isInSuppressed = false
            rootCause = name
            hash.add(text, name)
        case .wrapper(let name):
            // The root cause comes first then, and the one that was logged last.
            guard line.indent == margin else { return }
            isInSuppressed = false
            exception = name
            hash.add(text, name)
        case .suppressed: isInSuppressed = true
        case .frame(let frame): if !isInSuppressed { take(frame, of: text) }
        case .other: return
        }
    }

    private mutating func take(_ frame: TraceFrame, of text: UnsafeRawBufferPointer) {
        guard !frame.isGenerated(in: text) else { return }
        if self.frame == nil, own.contain(text, frame.method) { self.frame = frame.whole }
        var one = TraceHash()
        one.add(text, frame.method)
        // How deep a recursion went does not make it another failure.
        guard one.value != lastFrame else { return }
        lastFrame = one.value
        hash.add(text, frame.method)
    }
}

/// FNV-1a, 64 bits: stable across runs and versions, because people look hashes up months later.
private struct TraceHash {
    private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    private mutating func mix(_ byte: UInt8) {
        value = (value ^ UInt64(byte)) &* 0x100_0000_01b3
    }

    /// Adds a name; the numbers that compilers give are left out.
    mutating func add(_ text: UnsafeRawBufferPointer, _ name: Range<Int>) {
        var isNumber = false
        for at in name {
            let isDigit = (48...57).contains(text[at])
            isNumber = isDigit && (isNumber || Self.isNumbered(text[name.lowerBound..<at]))
            if !isNumber { mix(text[at]) }
        }
        mix(0x0a)
    }

    /// What stands in front of such a number: `Pay$1`, `pay$lambda-3` of Kotlin, `_run_closure2` of Groovy,
    /// whose shell calls scripts without a name `Script1`.
    private static func isNumbered(_ name: Slice<UnsafeRawBufferPointer>) -> Bool {
        switch name.last {
        case UInt8(ascii: "$"), UInt8(ascii: "-"): true
        case UInt8(ascii: "e"): name.suffix(8).elementsEqual("_closure".utf8)
        case UInt8(ascii: "t"): name.elementsEqual("Script".utf8)
        default: false
        }
    }

    var hex: String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}

import Logback
import Testing

@Suite struct StackTraceTests {
    private func trace(_ text: String, own: [String] = []) -> StackTrace? {
        Array(text.utf8).withUnsafeBytes { StackTrace(of: $0, own: OwnPackages(own)) }
    }

    private func json(_ text: String) -> StackTrace? {
        Array(text.utf8).withUnsafeBytes { StackTrace(ofJSON: $0, own: OwnPackages()) }
    }

    private static let nested = """
        2026-11-21 10:00:00.123 ERROR 1 --- [main] c.s.Pay : cannot pay

        java.lang.IllegalStateException: order 4711
        second line of the message: com.shop.Fake
        \tat org.springframework.util.Assert.state(Assert.java:76)
        \tat com.shop.pay.PayService.pay(PayService.java:42)
        \tat com.shop.pay.PayService$$EnhancerBySpringCGLIB$$1a2b3c.pay(<generated>)
        \tat jdk.internal.reflect.GeneratedMethodAccessor12.invoke(Unknown Source)
        \tat com.shop.pay.PayController.lambda$pay$0(PayController.java:17)
        \tat java.base/java.lang.Thread.run(Thread.java:829)
        \tSuppressed: java.io.IOException: closing
        \t\tat com.shop.pay.Connection.close(Connection.java:9)
        \t\t... 3 common frames omitted
        \tCaused by: com.shop.pay.InnerException: of the suppressed
        \t\t... 4 common frames omitted
        Caused by: java.lang.RuntimeException: gateway
        \tat com.shop.pay.Gateway.call(Gateway.java:7)
        \t... 5 common frames omitted
        Caused by: java.net.ConnectException: refused
        \t... 6 common frames omitted
        """

    @Test func aChainOfCauses() throws {
        let found = try #require(trace(Self.nested))
        #expect(found.exception == "java.lang.IllegalStateException")
        #expect(found.rootCause == "java.net.ConnectException")
        #expect(found.frame == "com.shop.pay.PayService.pay(PayService.java:42)")
        #expect(found.hash.utf8.count == 16)
    }

    /// What compilers and the machine number anew, of languages on the JVM.
    @Test(arguments: [
        ("com.shop.A.pay$lambda-3(A.kt:7)", "com.shop.A.pay$lambda-12(A.kt:9)"),
        (
            "com.shop.A$_run_closure1.doCall(A.groovy:7)",
            "com.shop.A$_run_closure20.doCall(A.groovy:7)"
        ),
        ("Script1.run(Script1.groovy:3)", "Script17.run(Script17.groovy:3)"),
    ])
    func theHashLeavesOutNumbers(frames: (String, String)) throws {
        let hash = try #require(trace("x.YException: z\n\tat \(frames.0)\n")).hash
        #expect(hash == trace("x.YException: z\n\tat \(frames.1)\n")?.hash)
        #expect(hash != trace("x.YException: z\n")?.hash)
    }

    @Test(arguments: [
        "java.base/java.lang.invoke.LambdaForm$MH/0x00007f0c58001400.invoke(LambdaForm$MH)",
        "com.shop.User$HibernateBasicProxy$kQ3xYz.getName(Unknown Source)",
        "com.shop.Made/0x0000000800c03000.run(Unknown Source)",
    ])
    func framesOfTheMachineAreNone(frame: String) throws {
        let hash = try #require(trace("x.YException: z\n\tat com.shop.A.a(A.java:1)\n")).hash
        #expect(
            hash == trace("x.YException: z\n\tat \(frame)\n\tat com.shop.A.a(A.java:1)\n")?.hash)
    }

    @Test(arguments: [
        ("PayService.java:42", "PayService.java:57"), ("$$1a2b3c", "$$ffee00"),
        ("Accessor12", "Accessor977"), ("lambda$pay$0", "lambda$pay$3"), ("order 4711", "order 1"),
        ("java.base/", "java.base@17.0.9/"),
        (
            "\tat jdk.internal.reflect.GeneratedMethodAccessor12.invoke(Unknown Source)\n",
            "\tat com.shop.A$$Lambda$14/0x0000000800066840.run(Unknown Source)\n"
                + "\tat jdk.proxy2/jdk.proxy2.$Proxy31.pay(Unknown Source)\n"
                + "\tat com.shop.$Proxy12.pay(Unknown Source)\n"
        ),
    ])
    func theHashOutlives(change: (String, String)) throws {
        let other = Self.nested.replacing(change.0, with: change.1)
        #expect(other != Self.nested)
        #expect(try #require(trace(other)).hash == (try #require(trace(Self.nested))).hash)
    }

    @Test(arguments: [
        ("PayService.pay(", "PayService.refund("),
        ("java.net.ConnectException", "java.io.EOFException"),
        ("IllegalStateException", "IllegalArgumentException"),
    ])
    func theHashTellsApart(change: (String, String)) throws {
        let other = Self.nested.replacing(change.0, with: change.1)
        #expect(try #require(trace(other)).hash != (try #require(trace(Self.nested))).hash)
    }

    @Test func ownPackages() throws {
        let found = try #require(trace(Self.nested, own: ["com.shop.pay.PayController"]))
        #expect(found.frame == "com.shop.pay.PayController.lambda$pay$0(PayController.java:17)")
        #expect(try #require(trace(Self.nested, own: ["com.sho"])).frame == nil)
    }

    @Test func theRootCauseFirst() throws {
        let found = try #require(
            trace(
                """
                10:00:00 ERROR a.B - failed
                java.net.ConnectException: refused
                \tat com.shop.Gateway.call(Gateway.java:7)
                \t... 1 common frames omitted
                Wrapped by: java.lang.RuntimeException: gateway
                \tat com.shop.Pay.pay(Pay.java:9)
                Wrapped by: java.lang.IllegalStateException: order
                \tat com.shop.Main.main(Main.java:3)
                """))
        #expect(found.exception == "java.lang.IllegalStateException")
        #expect(found.rootCause == "java.net.ConnectException")
    }

    @Test func aCircleOfCauses() throws {
        let found = try #require(
            trace(
                """
                x
                java.lang.RuntimeException: a
                \tat com.shop.A.a(A.java:1)
                Caused by: java.lang.IllegalStateException: b
                \tat com.shop.A.b(A.java:2)
                Caused by: [CIRCULAR REFERENCE: java.lang.RuntimeException: a]
                """))
        #expect(found.rootCause == "java.lang.IllegalStateException")
    }

    @Test func kotlinAndScala() throws {
        let kotlin = try #require(
            trace(
                """
                failed
                kotlin.KotlinNullPointerException
                \tat com.shop.MainKt$main$1.invokeSuspend(Main.kt:12)
                \tat kotlin.coroutines.jvm.internal.BaseContinuationImpl.resumeWith(Impl.kt:33)
                \tat com.shop.PayTest.it pays twice(PayTest.kt:4)
                """))
        #expect(kotlin.exception == "kotlin.KotlinNullPointerException")
        #expect(kotlin.frame == "com.shop.MainKt$main$1.invokeSuspend(Main.kt:12)")
        let scala = try #require(
            trace(
                """
                failed
                scala.MatchError: 5 (of class java.lang.Integer)
                \tat scala.collection.immutable.List.foreach(List.scala:333)
                \tat com.shop.Pay$.$anonfun$run$1(Pay.scala:8)
                """))
        #expect(scala.exception == "scala.MatchError")
        #expect(scala.frame == "com.shop.Pay$.$anonfun$run$1(Pay.scala:8)")
    }

    @Test func throwablesInOtherPlaces() throws {
        // Behind the message, on the line of the header; without any frame; of a thread that died.
        let behind =
            "12:00 ERROR a.B - no: java.lang.OutOfMemoryError: heap\n\tat a.b.C.d(C.java:1)"
        #expect(trace(behind)?.exception == "java.lang.OutOfMemoryError")
        #expect(
            trace("10:00 ERROR a.B - x\njava.lang.NullPointerException: null")?.exception
                == "java.lang.NullPointerException")
        let thread = "Exception in thread \"main\" java.lang.Error: x\n\tat a.b.C.d(C.java:1)"
        #expect(trace(thread)?.exception == "java.lang.Error")
    }

    /// As Tomcat writes them into `catalina.log`.
    @Test func aWholeTraceSetIn() throws {
        let plain = Self.nested.split(separator: "\n", omittingEmptySubsequences: false)
        let setIn =
            "10:00 SEVERE [main] a.B.c no\n" + plain.map { "\t" + $0 }.joined(separator: "\n")
        #expect(trace(setIn) == trace(Self.nested))
        // What is quoted beside the frames of another is no throwable.
        let quoted = "10:00 ERROR x\n  a.BadError: y\njava.lang.Error: z\n\tat a.B.c(D.java:1)"
        #expect(trace(quoted)?.exception == "java.lang.Error")
        #expect(trace("10:00 ERROR x\n\t\ta.BadError: y\n\tat a.B.c(D.java:1)") == nil)
    }

    @Test(arguments: [
        "", "\n\n", "10:00 INFO a.B - hello\nworld: yes", "at noon\n at the station",
        "10:00 INFO x\n\tat nowhere", "10:00 INFO a\nkey: value\n\tat home (really)",
    ])
    func textWithoutATrace(text: String) { #expect(trace(text) == nil) }

    @Test func jsonLines() throws {
        let plain = try #require(
            trace("java.lang.IllegalStateException: x\n\tat com.shop.A.b(A.java:1)\n"))
        for line in [
            #"{"message":"m","stack_trace":"java.lang.IllegalStateException: x\n\tat com.shop.A.b(A.java:1)\n"}"#,
            #"{"error":{"stack_trace":"java.lang.IllegalStateException: x\n\tat com.shop.A.b(A.java:1)\n"}}"#,
            #"{"error.stack_trace":"java.lang.IllegalStateException: x\n\tat com.shop.A.b(A.java:1)\n"}"#,
            #"{"throwable":{"className":"java.lang.IllegalStateException","message":"x","stepArray":[{"className":"com.shop.A","methodName":"b","fileName":"A.java","lineNumber":1}]}}"#,
        ] { #expect(json(line) == plain) }
        #expect(json(#"{"message":"no trace"}"#) == nil)
        #expect(json(#"{"message":"broken \tat com.a.b(x)"#) == nil)
    }

    /// Whatever encoders write in front of a frame.
    @Test(arguments: [
        #"{"error.stack_trace":["x.YException: z","\tat com.shop.A.a(A.java:1)"]}"#,
        #"{"error":{"stack_trace":["x.YException: z","   at com.shop.A.a(A.java:1)"]}}"#,
        #"{"ex":"x.YException: z\n    at com.shop.A.a(A.java:1)"}"#,
        #"{"ex":"x.YException: z\u000a\u0009at com.shop.A.a(A.java:1)"}"#,
        #"{"ex":"x.YException: z\r\n\tat com.shop.A.a(A.java:1)\r\n"}"#,
    ])
    func framesInJSON(line: String) throws {
        let found = try #require(json(line))
        #expect(found == trace("x.YException: z\n\tat com.shop.A.a(A.java:1)"))
    }

    @Test func aTraceWithoutFramesInJSON() throws {
        #expect(json(#"{"stack_trace":"x.YException: z"}"#)?.exception == "x.YException")
        #expect(
            json(#"{"stack_trace":"x.YException: z\nCaused by: java.io.IOException"}"#)?.rootCause
                == "java.io.IOException")
        for none in [
            #"{"message":"x.YException: z"}"#, #"{"stack_trace":""}"#, #"{"stack_trace":[1]}"#,
            #"{"stack_trace":null,"a":"at "}"#,
        ] {
            #expect(json(none) == nil)
        }
    }

    @Test func anyCutIsHarmless() {
        let bytes = Array(Self.nested.utf8)
        for count in 0...bytes.count {
            bytes[..<count].withUnsafeBytes { text in
                _ = StackTrace(of: text, own: OwnPackages())
            }
        }
    }
}

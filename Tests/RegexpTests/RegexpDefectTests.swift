import Regexp
import Testing

@Suite struct RegexpDefectTests {
    /// A brace that is no quantifier is text, and what stands in it counts.
    @Test(arguments: [
        ("foobar{a|b}zz", "b}zz"), ("status{4xx|5xx}", "5xx}"), ("(x){y|z}long", "z}long"),
        ("foobar[a[:b]|x]", "x]"),
    ]) func aMatchContainsTheLiteral(_ pattern: String, _ text: String) throws {
        let regexp = try Regexp(pattern)
        #expect(regexp.matches(text))
        if let literal = regexp.requiredLiteral {
            #expect(text.contains(String(decoding: literal, as: UTF8.self)), "\(pattern)")
        }
    }
}

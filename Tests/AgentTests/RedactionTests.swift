import Agent
import Foundation
import Testing

@Suite struct RedactionTests {
    private func redacted(_ known: Redaction.Known, _ text: String) throws -> String {
        let out = try Redaction(known).redacted(Array(text.utf8))
        return out.map { String(decoding: $0, as: UTF8.self) } ?? text
    }

    @Test(arguments: [
        ("card 4111 1111 1111 1111 200 OK", "card <card> 200 OK"),
        ("pan=4111-1111-1111-1111,", "pan=<card>,"),
        ("order 12 5555555555554444", "order 12 <card>"),
        ("amex 378282246310005.", "amex <card>."),
        (#"{"pan": 4111111111111111,"n":1}"#, #"{"pan": "<card>","n":1}"#),
        (#"{"pans":[4111111111111111, 5555555555554444]}"#, #"{"pans":["<card>", "<card>"]}"#),
        (#"{"m":"\"x\" of:4111111111111111,"}"#, #"{"m":"\"x\" of:<card>,"}"#),
        (
            #"{"a":4111111111111111,"b":"[4111111111111111]","c":"\\","d":[4111111111111111]}"#,
            #"{"a":"<card>","b":"[<card>]","c":"\\","d":["<card>"]}"#
        ),
        ("body {\"pan\":4111111111111111}", "body {\"pan\":<card>}"),
    ])
    func cards(text: String, expected: String) throws {
        #expect(try redacted(.cards, text) == expected)
    }

    @Test(arguments: [
        "4111 1111 1111 1112", "id4111111111111111", "41111111111111110000000000",
        "2026-11-21 10:00:00.123", "1795224030123000000", "1234567890123452",
    ])
    func whatIsNoCardStays(text: String) throws { #expect(try redacted(.cards, text) == text) }

    @Test(arguments: [
        ("rrn 900101-1234567 x", "rrn <rrn> x"), ("9001011234568", "<rrn>"),
    ])
    func residentNumbers(text: String, expected: String) throws {
        #expect(try redacted(.rrn, text) == expected)
    }

    @Test(arguments: ["991301-1234567", "900132-1234567", "9001011234567", "1701012345671"])
    func whatIsNoResidentNumberStays(text: String) throws {
        #expect(try redacted(.rrn, text) == text)
    }

    @Test(arguments: [
        ("mail to Kim.Lee+x@mail.example.co.kr now", "mail to <email> now"),
        ("보낸 사람 김철수@mail.example.co.kr로", "보낸 사람 <email>로"), ("jörg@bücher.example", "<email>"),
        ("请联系：kim@x.com", "请联系：<email>"), ("연락처kim@x.kr로", "연락처<email>로"),
        ("info@예시.한국", "<email>"),
        ("a@b", "a@b"), ("@Autowired", "@Autowired"),
    ])
    func addresses(text: String, expected: String) throws {
        #expect(try redacted(.email, text) == expected)
    }

    @Test(arguments: [
        ("X-Api-Key: 0123456789abcdef0 200", "X-Api-Key: <token> 200"),
        ("Authorization: Bearer abcDEF123456==", "Authorization: Bearer <token>"),
        (
            "jwt=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sflKxwRJSMeKKF2QT4fwpMeJf36POk end",
            "jwt=<token> end"
        ),
        ("key AKIAIOSFODNN7EXAMPLE!", "key <token>!"),
        ("\"access_token\":\"0123456789abcdef\"", "\"access_token\":\"<token>\""),
        (
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "aws_secret_access_key = <token>"
        ),
        ("Login(user=kim, password=pa$$w0rd!, at=3)", "Login(user=kim, password=<token>, at=3)"),
        (
            "GET /in?token=abc&n=1;JSESSIONID=0A1B.node2 x",
            "GET /in?token=<token>&n=1;JSESSIONID=<token> x"
        ),
        (#"{"password":"a\"b c","id":"7"}"#, #"{"password":"<token>","id":"7"}"#),
        ("clientSecret=\"a b\" passwd='c d'", "clientSecret=<token> passwd=<token>"),
        ("jdbc at postgres://shop:s3cr3t@db:5432/x", "jdbc at postgres://shop:<token>@db:5432/x"),
        ("http://localhost:8080/a@b", "http://localhost:8080/a@b"),
        ("glpat-0123456789abcdefghij client_secret=x", "<token> client_secret=<token>"),
        (
            #"{"password":"it's me","clientSecret":"x"}"#,
            #"{"password":"<token>","clientSecret":"<token>"}"#
        ),
        (#"password="a\"b" next"#, "password=<token> next"),
        ("bad: password=\"\nFor input string: \"x\"", "bad: password=\"\nFor input string: \"x\""),
        ("http://host:8080?mail=kim@x.com", "http://host:8080?mail=kim@x.com"),
        ("PWD=/opt/app OLDPWD=/opt", "PWD=/opt/app OLDPWD=/opt"), ("Pwd=hunter2;", "Pwd=<token>;"),
        ("unexpected token: identifier", "unexpected token: identifier"),
        ("refused, token: 0123456789abcdef", "refused, token: <token>"),
        ("password: hunter2, user: kim", "password: <token>, user: kim"),
        ("spring.datasource.password = x y", "spring.datasource.password = <token> y"),
        ("client-secret: a/b+c= secret = \"a b\"", "client-secret: <token> secret = <token>"),
        (
            #"{"m":"password=\"a b\" and\npassword: x\""}"#,
            #"{"m":"password=<token> and\npassword: <token>\""}"#
        ),
        ("<login><password>x y</password></login>", "<login><password><token></password></login>"),
        ("<ns:Password Type='t'><![CDATA[x]]>", "<ns:Password Type='t'><![CDATA[<token>]]>"),
        ("usage: login <user> <password> now", "usage: login <user> <password> now"),
        (#"{"token":123,"password": -1.5e3}"#, #"{"token":"<token>","password": "<token>"}"#),
        (#"{"tokens":123}"#, #"{"tokens":123}"#),
        ("run --db-password hunter2 --v", "run --db-password <token> --v"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMII\nx==\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----<token>-----END RSA PRIVATE KEY-----"
        ),
        ("key sk-0123456789abcdefghij-k", "key <token>"),
        (
            "Authorization: Digest username=\"kim\", nc=1, response=\"6629fae4\" 200",
            "Authorization: Digest <token> 200"
        ),
        (
            "authorization=AWS4-HMAC-SHA256 Credential=A/b, SignedHeaders=host;date, Signature=0f",
            "authorization=AWS4-HMAC-SHA256 <token>"
        ),
        ("Authorization: Basic a2ltOng= 200", "Authorization: Basic <token> 200"),
        ("Authorization: Basic a2ltOg== 200", "Authorization: Basic <token> 200"),
        ("the bearer of it", "the bearer of it"),
    ])
    func tokens(text: String, expected: String) throws {
        #expect(try redacted(.tokens, text) == expected)
    }

    @Test func anyBytesAreHarmless() throws {
        var seed: UInt64 = 20_261_121
        func next() -> UInt8 {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: seed >> 33)
        }
        for known in Redaction.Known.allCases {
            let redaction = try Redaction(known)
            for length in 0..<200 {
                let text = (0..<length).map { _ in
                    let byte = next()
                    return byte < 200 ? 48 + byte % 10 : byte < 228 ? 0x2d : byte
                }
                _ = redaction.redacted(text)
            }
        }
    }
}

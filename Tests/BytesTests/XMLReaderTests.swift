import Bytes
import Testing

@Suite struct XMLReaderTests {
    private func events(_ text: some Sequence<UInt8>) throws(XMLError) -> [String] {
        var found: [String] = []
        try XMLReader.read(Array(text)) { event, line in
            switch event {
            case .start(let name, let attributes):
                let pairs = attributes.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
                found.append("\(line) <\(name)\(pairs.joined())>")
            case .text(let text): found.append("\(line) \(text)")
            case .end: found.append("\(line) end")
            }
            return found.count < 100
        }
        return found
    }

    @Test func elementsTellTheirLines() throws {
        #expect(
            try events("<a x='1'\n y='2'>\n<b>t&amp;</b></a>".utf8) == [
                "1 <a x=1 y=2>", "2 \n", "3 <b>", "3 t", "3 &", "3 end", "3 end",
            ])
    }

    @Test func anEncodingThatExpatDoesNotKnow() throws {
        let text = Array("<?xml version=\"1.0\" encoding='EUC-KR'?><a>".utf8) + Array("x</a>".utf8)
        #expect(throws: XMLError.encoding("EUC-KR", line: 1)) { try events(text) }
        var found: [String] = []
        try XMLReader.read(text, utf8: { name in Array("<b x='\(name)'/>".utf8) }) { event, _ in
            if case .start(let name, let attributes) = event {
                found.append("\(name) \(attributes["x"] ?? "")")
            }
            return true
        }
        #expect(found == ["b EUC-KR"])
    }

    @Test func aDocumentTypeThatDefinesNothing() throws {
        #expect(try events("<!DOCTYPE a><a/>".utf8) == ["1 <a>", "1 end"])
        #expect(try events("<!DOCTYPE a SYSTEM \"/etc/passwd\"><a/>".utf8) == ["1 <a>", "1 end"])
        #expect(throws: XMLError.self) { try events("<!DOCTYPE a><a>&b;</a>".utf8) }
    }

    @Test func whatIsRefused() {
        let bomb = "<!DOCTYPE a [<!ENTITY b \"x\">]><a>&b;</a>"
        #expect(throws: XMLError.documentType(line: 1)) { try events(bomb.utf8) }
        #expect(throws: XMLError.self) { try events("<a x='1' x='2'/>".utf8) }
        #expect(throws: XMLError.self) { try events("<a>&b;</a>".utf8) }
        #expect(throws: XMLError.self) { try events("<a>".utf8) }
        #expect(throws: XMLError.self) { try events([]) }
        #expect(throws: XMLError.stopped(line: 1)) {
            try events(String(repeating: "<a>", count: 200).utf8)
        }
    }

    @Test func everyCutIsAnError() {
        let text = Array("<a x='1'>t<b/><!-- c --><![CDATA[d]]></a>".utf8)
        for count in 0..<text.count {
            #expect(throws: XMLError.self) { try events(text.prefix(count)) }
        }
    }
}

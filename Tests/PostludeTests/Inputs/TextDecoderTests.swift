import Testing

@testable import Postlude

@Suite("TextDecoder")
struct TextDecoderTests {
    private let root = ParametersDecoder([], source: "query")

    private func decoder(_ texts: String...) -> TextDecoder {
        TextDecoder(texts.last, all: texts, parent: root, step: "n")
    }

    @Test("a type that decodes itself from a single value gets the text")
    func custom() throws {
        struct Hex: Decodable {
            let value: Int
            init(from decoder: any Decoder) throws {
                let container = try decoder.singleValueContainer()
                guard let value = Int(try container.decode(String.self), radix: 16) else {
                    throw DecodingError.dataCorruptedError(in: container, debugDescription: "no hex")
                }
                self.value = value
            }
        }
        #expect(try Hex(from: decoder("ff")).value == 255)
        #expect(throws: DecodingError.self) { try Hex(from: decoder("x")) }
    }

    @Test("a list ends where its texts end")
    func list() throws {
        var list = TextListContainer(["1", "2"], decoder: decoder("1", "2"))
        #expect(list.count == 2)
        #expect(try list.decode(Int.self) == 1)
        #expect(list.currentIndex == 1)
        #expect(try list.decode(String.self) == "2")
        #expect(list.isAtEnd)
        #expect(throws: DecodingError.self) { try list.decode(Int.self) }
        #expect(list.currentIndex == 2)
    }

    @Test("a list of lists splits nothing")
    func nestedLists() throws {
        #expect(
            try [[String]](from: decoder("a", "b")) == [["a"], ["b"]])
    }

    @Test("text is never nil")
    func null() {
        #expect(!decoder("").decodeNil())
        #expect(!decoder("null").decodeNil())
    }
}

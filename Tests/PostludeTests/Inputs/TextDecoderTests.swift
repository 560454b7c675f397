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

    @Test("a list ends with its last text")
    func list() throws {
        let parent = decoder("1", "2")
        var list = ListContainer(TextList(texts: ["1", "2"], parent: parent), decoder: parent)
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

    @Test("a type that decodes a list itself reaches its end")
    func ownLists() throws {
        struct Letters: Decodable {
            var all: [String] = []
            init(from decoder: any Decoder) throws {
                var list = try decoder.unkeyedContainer()
                while !list.isAtEnd, all.count < 3 {
                    if list.currentIndex == 0 {
                        var inner = try list.nestedUnkeyedContainer()
                        all.append(try inner.decode(String.self))
                    } else {
                        all.append(try String(from: list.superDecoder()))
                    }
                }
            }
        }
        #expect(try Letters(from: decoder("a", "b")).all == ["a", "b"])
    }

    @Test("text is never nil")
    func null() {
        #expect(!decoder("").decodeNil())
        #expect(!decoder("null").decodeNil())
    }
}

import Glibc
import PostludeSystem
import Testing

@Suite("CapturedOutput")
struct CapturedOutputTests {
    @Test("The end of the output is read, whole or cut at its beginning")
    func end() throws {
        let output = try CapturedOutput()
        #expect(output.end(bytes: 10).isEmpty)
        #expect(write(output.descriptor, "first\nsecond\n", 13) == 13)
        #expect(output.end(bytes: 100) == "first\nsecond\n")
        #expect(output.end(bytes: 7) == "second\n")
        #expect(output.end(bytes: 0).isEmpty)
    }

    @Test("Bytes that are not UTF-8 are replaced")
    func encoding() throws {
        let output = try CapturedOutput()
        let bytes: [UInt8] = [0x61, 0xff, 0x62]
        #expect(write(output.descriptor, bytes, 3) == 3)
        #expect(output.end(bytes: 100) == "a\u{fffd}b")
    }
}

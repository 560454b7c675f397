import HTTPTypes
import PostludeSystem
import Testing

@testable import Postlude

@Suite("InputReading", .serialized)
struct InputReadingTests {
    private static let taken = Lock<[String]>([])

    /// Inputs that record when they are read: a valid one, a wrong one, and one that refuses.
    private struct Sound: RequestInput {
        init(request: Request) { InputReadingTests.taken.withLock { $0.append("sound") } }
    }

    private struct Wrong: RequestInput {
        init(request: Request) throws {
            InputReadingTests.taken.withLock { $0.append("wrong") }
            throw InputError([InputRule.missing.issue([.key("query"), .key("wrong")])])
        }
    }

    private struct Refusing: RequestInput {
        init(request: Request) throws {
            InputReadingTests.taken.withLock { $0.append("refusing") }
            throw HTTPError(.forbidden)
        }
    }

    @Test("every input is read once, also after a wrong one")
    func once() throws {
        let request = try RequestFixture().request()
        Self.taken.withLock { $0 = [] }
        let error = #expect(throws: InputError.self) {
            try InputReading.call(
                { (_: Sound, _: Wrong, _: Sound, _: Wrong, _: Sound) in }, with: request)
        }
        #expect(error?.issues.count == 2)
        #expect(Self.taken.withLock { $0 } == ["sound", "wrong", "sound", "wrong", "sound"])

        Self.taken.withLock { $0 = [] }
        let refusal = #expect(throws: HTTPError.self) {
            try InputReading.call({ (_: Wrong, _: Refusing, _: Sound) in }, with: request)
        }
        #expect(refusal?.status == .forbidden)
        #expect(Self.taken.withLock { $0 } == ["wrong", "refusing", "sound"])
    }

    @Test("an error that the function throws is passed on, and no input is read again")
    func function() throws {
        struct Spill: Error {}
        let request = try RequestFixture().request()
        Self.taken.withLock { $0 = [] }
        #expect(throws: Spill.self) {
            try InputReading.call({ (_: Sound, _: Sound) in throw Spill() }, with: request)
        }
        #expect(Self.taken.withLock { $0 } == ["sound", "sound"])
    }
}

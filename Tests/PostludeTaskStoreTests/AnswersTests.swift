import Foundation
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("Answers that are kept", .timeLimit(.minutes(10)))
struct AnswersTests {
    private static func key(_ key: String, route: String = "POST /", _ principals: String...) throws
        -> IdempotencyKey
    {
        try #require(IdempotencyKey(route: route, principals: principals, key: key))
    }

    private static func answer(
        _ body: String = "done", until expires: Date, size: Int = 0
    ) -> StoredAnswer {
        StoredAnswer(
            fingerprint: [1, 2, 255], status: 201,
            head: .init(
                reason: "Created", contentType: "text/plain",
                fields: [.init(name: "X-Ä", value: "a\n\"b\""), .init(name: "Set-Cookie", value: "")]),
            body: Data(body.utf8) + Data([0, 255]) + Data(count: size), expires: expires)
    }

    private static func request(
        _ key: IdempotencyKey, _ answer: StoredAnswer, _ records: NewRecord...
    ) -> NewRequest {
        var request = NewRequest(id: "r", route: "/", records: records)
        request.answer = NewAnswer(answer, for: key)
        return request
    }

    @Test("A key has 1 to 255 bytes; route, principals and key are told apart")
    func keys() throws {
        #expect(IdempotencyKey(route: "/", principals: [], key: "") == nil)
        #expect(IdempotencyKey(route: "/", principals: [], key: String(repeating: "ä", count: 128)) == nil)
        let keys = [
            try Self.key("a"), try Self.key("a", route: "POST /b"), try Self.key("a", "b"),
            try Self.key("a", ""),
            try Self.key("a", "b", "c"), try Self.key("a", "bc"),
            try Self.key(String(repeating: "a", count: 255)),
        ]
        #expect(Set(keys.map(\.digest)).count == keys.count)
        let locks = Set(keys.map { IdempotencyKey.lockNumber(of: $0.digest) })
        #expect(locks.count == keys.count && locks.allSatisfy { 0..<(1 << 62) ~= $0 })
    }

    @Test(
        "The first request with a key begins; another one does not until it has released the key",
        arguments: StoreUnderTest.allCases)
    func inFlight(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (one, two) = (try fixture.open(), try fixture.open())
        let key = try Self.key("k")
        var first: KeyBeginning? = try one.begin(key)
        #expect(first?.isFirst == true)
        #expect(try one.begin(key).isInFlight && two.begin(key).isInFlight)
        #expect(try two.begin(Self.key("other")).isFirst)
        #expect(try two.begin(Self.key("k", route: "PUT /")).isFirst)
        #expect(try two.begin(Self.key("k", "ada")).isFirst)
        first = nil
        #expect(try two.begin(key).isFirst, "a request that has failed leaves nothing")
        #expect(try one.counts()[.waiting] == 0)
        try one.close()
        try two.close()
    }

    @Test(
        "An answer is stored with its request's records, and read as it was given, in every process",
        arguments: StoreUnderTest.allCases)
    func stored(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (one, two) = (try fixture.open(), try fixture.open())
        let key = try Self.key("k", "ada")
        let lock = try one.begin(key)
        var answer = Self.answer(until: fixture.clock.now.addingTimeInterval(60))
        answer.taskIDs = ["earlier"]
        let ids = try one.append(Self.request(key, answer, .make(), .make())).map(\.id.text)
        answer.taskIDs += ids
        #expect(ids.count == 2 && lock.isFirst)
        #expect(try one.begin(key).answer == answer && two.begin(key).answer == answer)
        withExtendedLifetime(lock) {}
        try one.close()
        try two.close()
        let three = try fixture.open()
        #expect(try three.begin(key).answer == answer)
        #expect(try three.begin(Self.key("k")).isFirst)
        try three.close()
    }

    @Test(
        "An answer without records is stored; a task with a unique key is named by the one that stands for it",
        arguments: StoreUnderTest.allCases)
    func tasks(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let expires = fixture.clock.now.addingTimeInterval(60)
        let (empty, keyed) = (try Self.key("empty"), try Self.key("keyed"))
        #expect(try taskStore.append(Self.request(empty, Self.answer(until: expires))).isEmpty)
        #expect(try taskStore.begin(empty).answer?.taskIDs == [])
        let holder = try taskStore.append("r", .make { $0.uniqueKey = "u" })[0]
        _ = try taskStore.append(
            Self.request(keyed, Self.answer(until: expires), .make { $0.uniqueKey = "u" }))
        #expect(try taskStore.begin(keyed).answer?.taskIDs == [holder.text])
        try taskStore.close()
    }

    @Test(
        "A second answer for a key is refused with its records, also without the key's lock",
        arguments: StoreUnderTest.allCases)
    func twice(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (one, two) = (try fixture.open(), try fixture.open())
        let (key, expires) = (try Self.key("k"), fixture.clock.now.addingTimeInterval(60))
        let first = Self.answer("first", until: expires)
        _ = try one.append(Self.request(key, first, .make()))
        let second = Self.request(key, Self.answer("second", until: expires), .make())
        #expect(taskStoreError { _ = try two.append(second) }?.code == .refused)
        #expect(try two.begin(key).answer?.body == first.body)
        #expect(try two.counts()[.waiting] == 1)
        // Records that cannot be stored have no answer either.
        let taken = try one.append("r", .make())[0]
        let failing = Self.request(try Self.key("f"), first, .make { $0.id = taken })
        #expect(taskStoreError { _ = try one.append(failing) }?.code == .refused)
        #expect(try one.begin(Self.key("f")).isFirst)
        try one.close()
        try two.close()
    }

    @Test(
        "An answer that has expired is not there, and is replaced or removed",
        arguments: StoreUnderTest.allCases)
    func expiry(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let time = fixture.clock.now
        for number in 0..<5 {
            let answer = Self.answer(until: time.addingTimeInterval(number == 4 ? 60 : 10))
            _ = try taskStore.append(Self.request(try Self.key("\(number)"), answer))
        }
        #expect(try taskStore.removeAnswers(before: fixture.clock.now, limit: 10) == 0)
        fixture.clock.advance(10)
        #expect(try taskStore.begin(Self.key("0")).isFirst)
        _ = try taskStore.append(
            Self.request(try Self.key("0"), Self.answer("new", until: time.addingTimeInterval(20))))
        #expect(try taskStore.begin(Self.key("0")).answer?.body.starts(with: "new".utf8) == true)
        #expect(try taskStore.removeAnswers(before: fixture.clock.now, limit: 2) == 2)
        #expect(try taskStore.removeAnswers(before: fixture.clock.now, limit: 2) == 1)
        #expect(try taskStore.removeAnswers(before: fixture.clock.now, limit: 2) == 0)
        #expect(
            try taskStore.begin(Self.key("0")).answer != nil && taskStore.begin(Self.key("4")).answer != nil)
        try taskStore.close()
    }

    @Test("A full store begins no new key until answers have expired", arguments: StoreUnderTest.allCases)
    func full(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open { $0.maximumAnswers = 10_000 }
        let expires = fixture.clock.now.addingTimeInterval(10)
        let begun = try taskStore.begin(Self.key("begun"))
        _ = try taskStore.append(
            Self.request(try Self.key("large"), Self.answer(until: expires, size: 10_000)))
        #expect(try taskStore.begin(Self.key("new")).isFull)
        #expect(try taskStore.begin(Self.key("large")).answer != nil)
        // One that has begun is stored.
        _ = try taskStore.append(Self.request(try Self.key("begun"), Self.answer(until: expires)))
        withExtendedLifetime(begun) {}
        fixture.clock.advance(10)
        #expect(try taskStore.removeAnswers(before: fixture.clock.now, limit: 10) == 2)
        #expect(try taskStore.begin(Self.key("new")).isFirst)
        try taskStore.close()
    }

    @Test(
        "After kill -9 of the process that answers, the request can begin at once",
        arguments: StoreUnderTest.allCases)
    func killed(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.openNow()
        let helper = try StoreProcess("begin", fixture, ["k"])
        #expect(helper.line() == "first")
        let key = try Self.key("k", route: "POST /begin")
        #expect(try taskStore.begin(key).isInFlight)
        helper.die()
        _ = helper.finish()
        // A server notices the end of the connection a moment later.
        var lock = try taskStore.begin(key)
        while store == .postgreSQL, lock.isInFlight { lock = try taskStore.begin(key) }
        #expect(lock.isFirst)
        let other = try StoreProcess("begin", fixture, ["k"])
        #expect(other.line() == "in flight")
        other.die()
        try taskStore.close()
    }

    @Test(
        "Of processes that answer the same keys at once, one answers each", arguments: StoreUnderTest.allCases
    )
    func race(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let helpers = try (0..<3).map { _ in try StoreProcess("answer", fixture, ["100"]) }
        for helper in helpers { #expect(helper.line() == "ready") }
        for helper in helpers { try helper.begin() }
        let lines = helpers.flatMap { $0.lines() }
        for helper in helpers { #expect(helper.finish() == 0) }
        // Each process has got the same answer for each key, and one of them has made it.
        #expect(lines.count == 400)
        #expect(Set(lines.filter { $0.hasPrefix("made ") }).count == 100)
        #expect(lines.count { $0.hasPrefix("made ") } == 100)
        #expect(Set(lines.filter { $0.hasPrefix("got ") }).count == 100)
        let taskStore = try fixture.openNow()
        #expect(try taskStore.counts()[.waiting] == 100)
        try taskStore.close()
    }
}

extension KeyBeginning {
    fileprivate var isFirst: Bool { if case .first = self { true } else { false } }
    fileprivate var isInFlight: Bool { if case .inFlight = self { true } else { false } }
    fileprivate var isFull: Bool { if case .full = self { true } else { false } }
    fileprivate var answer: StoredAnswer? { if case .answered(let answer) = self { answer } else { nil } }
}

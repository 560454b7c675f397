import Foundation
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("Limits of records that are paused, cancelled, left or added separately", .timeLimit(.minutes(10)))
struct LimitsWithOthersTests {
    private let ada = ActionOrigin(who: "ada")

    @Test(
        "A paused record gives its turn to others, and is claimed after the pause",
        arguments: StoreUnderTest.allCases)
    func paused(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open(limits: [RecordLimit(name: "charge", running: 1)])
        let ids = try taskStore.append("r", .limited(""), .limited(""), runsHere: false)
        #expect(try taskStore.pause(.record(ids[0]), by: ada) == .changed)
        #expect(try taskStore.claimedIDs() == [[ids[1]]])
        #expect(try taskStore.record(ids[0])?.isPaused == true)
        taskStore.ended(ids[1], .done(result: nil))
        try taskStore.flush()
        #expect(try taskStore.claim().isEmpty)
        #expect(try taskStore.resume(.record(ids[0]), by: ada) == .changed)
        #expect(try taskStore.claimedIDs() == [[ids[0]]])
        #expect(try taskStore.pauses().isEmpty)
        try taskStore.close()
    }

    @Test(
        "A paused kind with a limit is resumed, however many records wait", arguments: StoreUnderTest.allCases
    )
    func pausedKind(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open(limits: [RecordLimit(name: "charge", running: 5000)])
        let request = NewRequest(id: "bulk", records: (0..<2500).map { _ in .limited("") })
        _ = try taskStore.appendSeparately(request)
        let other = try taskStore.append("other", .make("mail"), runsHere: false)[0]
        #expect(try taskStore.pause(.kind("charge"), by: ada) == .changed)
        #expect(try taskStore.claimedIDs() == [[other]])
        fixture.clock.advance(2)
        #expect(try taskStore.claim().isEmpty)
        #expect(try taskStore.resume(.kind("charge"), by: ada) == .changed)
        var resumed = 0
        for _ in 0..<80 where resumed < 2500 {
            resumed += try taskStore.claim().count
            fixture.clock.advance(1)
        }
        #expect(resumed == 2500)
        #expect(try taskStore.pauses().isEmpty)
        try taskStore.close()
    }

    @Test(
        "In a strict order the others wait for a paused record, and no longer if it is cancelled or discarded",
        arguments: StoreUnderTest.allCases)
    func strict(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open(limits: [RecordLimit(name: "charge", isStrict: true)])
        let ids = try taskStore.append("r", .limited(""), .limited(""), .limited(""), runsHere: false)
        #expect(try taskStore.pause(.record(ids[0]), by: ada) == .changed)
        #expect(try taskStore.pause(.record(ids[1]), by: ada) == .changed)
        #expect(try taskStore.claim().isEmpty)
        #expect(try taskStore.cancel([ids[0]], by: ada) == [.changed])
        #expect(try taskStore.claim().isEmpty)
        #expect(try taskStore.discard([ids[1]]) == [.changed])
        #expect(try taskStore.claimedIDs() == [[ids[2]]])
        try taskStore.close()
    }

    @Test("However an attempt ends, its place is another record's", arguments: StoreUnderTest.allCases)
    func ends(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open(limits: [RecordLimit(name: "charge", running: 1, member: "customer")]
        )
        let later = fixture.clock.now.addingTimeInterval(3600)
        let ends: [RecordEnd] = [
            .done(result: nil), .again(error: "e", at: later), .failed(error: "e"),
            .stopped(by: nil, error: "e"),
            .expired, .discarded, .cancelled(reason: "r"), .abandoned(error: "e"),
            .postponed(until: later, isKept: false), .moved(queue: "q", reason: "r"),
            .unreadable(error: "e", at: later),
        ]
        for (number, end) in ends.enumerated() {
            let key = "\(number)"
            let ids = try taskStore.append(key, .limited(key), .limited(key), runsHere: false)
            #expect(try taskStore.claimedIDs() == [[ids[0]]])
            taskStore.started(ids[0])
            taskStore.ended(ids[0], end)
            try taskStore.flush()
            #expect(try taskStore.claimedIDs() == [[ids[1]]], "\(end)")
            taskStore.ended(ids[1], .done(result: nil))
            try taskStore.flush()
        }
        // One that is released waits again, before the others.
        let ids = try taskStore.append("r", .limited("r"), .limited("r"), runsHere: false)
        #expect(try taskStore.claimedIDs() == [[ids[0]]])
        taskStore.ended(ids[0], .released)
        try taskStore.flush()
        #expect(try taskStore.claimedIDs() == [[ids[0]]])
        // Those that wait for a time are claimed then, one after another: each has a key of its own.
        fixture.clock.advance(3600)
        #expect(try taskStore.claim().count == 3)
        try taskStore.close()
    }

    @Test(
        "A record that is postponed holds those behind it up in a strict order, and only then",
        arguments: StoreUnderTest.allCases)
    func postponed(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let limits = [
            RecordLimit(name: "charge", isStrict: true),
            RecordLimit(name: "mail", running: 1, member: "customer"),
        ]
        let taskStore = try fixture.open(limits: limits)
        let mail = NewRecord.make("mail") { $0.limitKey = "" }
        let ids = try taskStore.append("r", .limited(""), .limited(""), mail, mail, runsHere: false)
        #expect(try Set(taskStore.claimedIDs()) == [[ids[0]], [ids[2]]])
        let wake = fixture.clock.now.addingTimeInterval(7 * 86_400)
        for id in [ids[0], ids[2]] {
            taskStore.started(id)
            taskStore.ended(id, .postponed(until: wake, isKept: false))
        }
        try taskStore.flush()
        #expect(try taskStore.claimedIDs() == [[ids[3]]])
        taskStore.ended(ids[3], .done(result: nil))
        try taskStore.flush()
        fixture.clock.advance(86_400)
        #expect(try taskStore.claim().isEmpty)
        fixture.clock.advance(6 * 86_400)
        #expect(try Set(taskStore.claimedIDs()) == [[ids[0]], [ids[2]]])
        taskStore.ended(ids[0], .done(result: nil))
        try taskStore.flush()
        #expect(try taskStore.claimedIDs() == [[ids[1]]])
        try taskStore.close()
    }

    @Test(
        "In a strict order none waits for a delayed record that became a dead letter with the one before it",
        arguments: StoreUnderTest.allCases)
    func stopped(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open(limits: [RecordLimit(name: "charge", isStrict: true)])
        let tomorrow = fixture.clock.now.addingTimeInterval(86_400)
        let ids = try taskStore.append(
            "r", .make("mail") { $0.stopsOnFailure = true }, .limited("") { $0.notBefore = tomorrow },
            runsHere: false)
        let other = try taskStore.append("s", .limited(""), runsHere: false)
        #expect(try taskStore.claimedIDs() == [[ids[0]]])
        #expect(try taskStore.claim().isEmpty)
        taskStore.ended(ids[0], .failed(error: "e"))
        try taskStore.flush()
        #expect(try taskStore.state(of: ids[1]) == .failed)
        #expect(try taskStore.claimedIDs() == [other])
        try taskStore.close()
    }

    @Test("The use of a limit is counted for each key", arguments: StoreUnderTest.allCases)
    func uses(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let limit = RecordLimit(
            name: "charge", running: 1, rate: RecordRate(count: 5, period: 60_000), member: "customer")
        let taskStore = try fixture.open(limits: [limit])
        let visitor = try fixture.open { $0.usesServerClock = false }
        let tomorrow = fixture.clock.now.addingTimeInterval(86_400)
        _ = try taskStore.append(
            "r", .limited("a"), .limited("b"), .limited("b"), .limited("b"),
            .limited("b") { $0.notBefore = tomorrow }, .make("mail"), runsHere: false)
        #expect(try visitor.counts(of: [.waiting]).limited == ["charge": 4])
        #expect(try taskStore.claim().count == 3)
        let (a, b) = (
            LimitUse(name: "charge", key: "a", running: 1, waiting: 0, later: 0, begun: 1),
            LimitUse(name: "charge", key: "b", running: 1, waiting: 2, later: 1, begun: 1)
        )
        #expect(try visitor.uses(of: limit, key: nil, atMost: 9) == [b, a])
        #expect(try visitor.uses(of: limit, key: nil, atMost: 1) == [b])
        #expect(try visitor.uses(of: limit, key: "a", atMost: 9) == [a])
        #expect(try visitor.counts(of: [.waiting]).limited == ["charge": 2])
        fixture.clock.advance(60)
        #expect(try visitor.uses(of: limit, key: nil, atMost: 9).map(\.begun) == [0, 0])
        try visitor.close()
        try taskStore.close()
    }

    @Test("Those who add records learn of the limits of others", arguments: StoreUnderTest.allCases)
    func members(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let limits = [
            RecordLimit(name: "charge", running: 1, member: "customer"),
            RecordLimit(name: "mail", running: 1),
        ]
        let taskStore = try fixture.open(limits: limits)
        let visitor = try fixture.open(role: .visitor)
        #expect(try visitor.limitMembers() == ["charge": "customer", "mail": nil])
        try taskStore.setLimits([], of: ["charge", "mail"])
        #expect(try visitor.limitMembers().isEmpty)
        try visitor.close()
        try taskStore.close()
    }

    @Test(
        "A process does not claim records with a limit whose shapes it leaves",
        arguments: StoreUnderTest.allCases)
    func left(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let limit = RecordLimit(name: "charge", running: 1)
        let (taskStore, other) = (try fixture.open(limits: [limit]), try fixture.open(limits: [limit]))
        let shape = RecordShape(name: "charge", version: 1, structure: "{}")
        try taskStore.register([shape])
        let ids = try taskStore.append("r", .limited("") { $0.shape = shape }, .limited(""), runsHere: false)
        taskStore.leave([try #require(try taskStore.record(ids[0])?.shape)])
        #expect(try taskStore.claimedIDs() == [[ids[1]]])
        taskStore.ended(ids[1], .done(result: nil))
        try taskStore.flush()
        #expect(try taskStore.claim().isEmpty)
        fixture.clock.advance(2)
        #expect(try other.claimedIDs() == [[ids[0]]])
        try other.close()
        try taskStore.close()
    }

    @Test(
        "Records that are added separately, or by the end of another one, have their limits and windows",
        arguments: StoreUnderTest.allCases)
    func separate(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let limit = RecordLimit(name: "charge", running: 1, member: "customer")
        let taskStore = try fixture.open(limits: [limit])
        func records() -> [NewRecord] {
            [
                .limited("a"), .limited("a"), .limited("b"),
                .make("mail") {
                    $0.uniqueKey = "k"
                    $0.uniqueScope = .within(.seconds(3600))
                },
            ]
        }
        let ids = try taskStore.appendSeparately(NewRequest(id: "bulk", records: records())).map(\.id)
        #expect(Set(try taskStore.claimedIDs()) == [[ids[0]], [ids[2]], [ids[3]]])
        for id in [ids[0], ids[2], ids[3]] { taskStore.ended(id, .done(result: nil)) }
        try taskStore.flush()
        #expect(try taskStore.claimedIDs() == [[ids[1]]])
        let children = NewRequest(id: "children", records: records())
        taskStore.ended(ids[1], .done(result: nil, adding: children))
        try taskStore.flush()
        #expect(
            try taskStore.claim().map { $0.records.map(\.limitKey) }.sorted { "\($0)" < "\($1)" } == [
                ["a"], ["b"],
            ])
        try taskStore.close()
    }
}

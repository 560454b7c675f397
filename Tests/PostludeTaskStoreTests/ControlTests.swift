import Foundation
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("Pause, resume and cancel", .timeLimit(.minutes(10)))
struct ControlTests {
    private let ada = ActionOrigin(who: "ada")

    // MARK: Pause

    @Test(
        "A paused kind is not claimed until it is resumed, and the pause lasts across restarts",
        arguments: StoreUnderTest.allCases)
    func kind(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let first = try fixture.open()
        let held = try first.append("held", .make("render"), runsHere: false)[0]
        #expect(try first.pause(.kind("render"), by: ada) == .changed)
        #expect(try first.pause(.kind("render"), by: ada) == .refused("it is paused already"))
        try first.close()
        let taskStore = try fixture.open()
        #expect(
            try taskStore.pauses() == [
                RecordPause(target: .kind("render"), since: fixture.clock.now, who: "ada")
            ])
        let later = try taskStore.append(
            "later", .make("render") { $0.notBefore = fixture.clock.now.addingTimeInterval(5) })[0]
        let other = try taskStore.append("other", .make("charge"), runsHere: false)[0]
        #expect(try taskStore.claimedIDs() == [[other]])
        #expect(try taskStore.record(held)?.isPaused == true)
        #expect(try taskStore.record(held)?.due == fixture.clock.now, "the time is that at which it was due")
        fixture.clock.advance(6)
        #expect(try taskStore.claim().isEmpty)
        #expect(try taskStore.nextDue().map { $0 > fixture.clock.now.addingTimeInterval(1e9) } == true)
        #expect(try taskStore.unfinished() == 1, "only the claimed one is due")
        var lines: [String] = []
        try taskStore.export { lines.append($0) }
        #expect(lines[0].contains(#""due":"2027-01-15T08:00:00.000Z""#))
        #expect(try taskStore.resume(.kind("render"), by: ada) == .changed)
        #expect(try taskStore.resume(.kind("render"), by: ada) == .refused("it is not paused"))
        #expect(try taskStore.claimedIDs() == [[held], [later]])
        #expect(try taskStore.record(held)?.isPaused == false)
        #expect(try taskStore.pauses().isEmpty)
        try taskStore.close()
    }

    @Test("A key and a single record are paused, and no others", arguments: StoreUnderTest.allCases)
    func keyAndRecord(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let ids = try ["a", "b", "c"].map { key in
            try taskStore.append(key, .make { $0.uniqueKey = key }, runsHere: false)[0]
        }
        #expect(try taskStore.pause(.key("a", name: "charge"), by: ada) == .changed)
        #expect(try taskStore.pause(.record(ids[1]), by: ada) == .changed)
        #expect(try taskStore.pause(.record(.make(at: 0)), by: ada) == .unknown)
        #expect(try taskStore.claimedIDs() == [[ids[2]]])
        taskStore.ended(ids[2], .done(result: nil))
        #expect(try taskStore.state(of: ids[2]) == .done)
        #expect(try taskStore.pause(.record(ids[2]), by: ada) == .refused("it is done"))
        // A retry makes it due, and the next claim sets it aside again.
        #expect(try taskStore.retry([ids[0]]) == [.changed])
        #expect(try taskStore.claim().isEmpty)
        #expect(try taskStore.resume(.key("a", name: "charge"), by: ada) == .changed)
        #expect(try taskStore.claimedIDs() == [[ids[0]]])
        #expect(try taskStore.cancel([ids[1]], by: ada) == [.changed])
        #expect(try taskStore.claim().isEmpty)
        #expect(try taskStore.pauses().isEmpty, "the pause of a record that is over is forgotten")
        try taskStore.close()
    }

    @Test(
        "The records after a paused one wait for it if it stops them, and run otherwise",
        arguments: StoreUnderTest.allCases)
    func order(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let waiting = try taskStore.append(
            "1", .make("render") { $0.stopsOnFailure = true }, .make(), runsHere: false)
        let free = try taskStore.append("2", .make("render"), .make(), runsHere: false)
        #expect(try taskStore.pause(.kind("render"), by: ada) == .changed)
        #expect(try taskStore.claimedIDs() == [[free[1]]])
        #expect(try taskStore.resume(.kind("render"), by: ada) == .changed)
        fixture.clock.advance(6)
        #expect(Set(try taskStore.claimedIDs()) == [waiting, [free[0]]])
        try taskStore.close()
    }

    @Test("Many paused records do not keep the others from being claimed", arguments: StoreUnderTest.allCases)
    func many(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let request = NewRequest(id: "bulk", records: (0..<2500).map { _ in .make("render") })
        _ = try taskStore.appendSeparately(request)
        #expect(try taskStore.pause(.kind("render"), by: ada) == .changed)
        let other = try taskStore.append("other", .make { $0.priority = .low }, runsHere: false)[0]
        var (claims, found) = (0, [[RecordID]]())
        while found.isEmpty, claims < 10 {
            found = try taskStore.claimedIDs()
            claims += 1
        }
        #expect(found == [[other]] && claims <= 4)
        #expect(try taskStore.claim().isEmpty)
        #expect(try taskStore.resume(.kind("render"), by: ada) == .changed)
        var resumed = 0
        for _ in 0..<60 where resumed < 2500 { resumed += try taskStore.claim().count }
        #expect(resumed == 2500)
        try taskStore.close()
    }

    // MARK: Cancel

    @Test(
        "A record that no process has is cancelled at once, with those that depend on it",
        arguments: StoreUnderTest.allCases)
    func cancelWaiting(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let ids = try taskStore.append(
            "r", .make(), .make { $0.stopsOnFailure = true }, .make(), runsHere: false)
        let outgoing = try taskStore.append("r", .make { $0.queue = "q" })[0]
        let done = try taskStore.append("r", .make())[0]
        taskStore.ended(done, .done(result: nil))
        #expect(
            try taskStore.cancel([ids[1], ids[2], outgoing, done, .make(at: 0)], by: ada) == [
                .changed, .changed, .changed, .refused("it is done"), .unknown,
            ])
        let record = try #require(try taskStore.record(ids[1]))
        #expect(record.state == .cancelled && record.state.isOver && record.error == "cancelled by ada")
        #expect(record.ended == fixture.clock.now)
        #expect(try taskStore.record(ids[2])?.error == "the task charge \(ids[1]) before it was cancelled")
        #expect(try taskStore.state(of: outgoing) == .cancelled)
        #expect(try taskStore.claimedIDs() == [[ids[0]]])
        #expect(try taskStore.discard([ids[1]]) == [.refused("it is cancelled")])
        #expect(try taskStore.retry([ids[1]]) == [.changed])
        #expect(try taskStore.claimedIDs() == [[ids[1]]])
        try taskStore.close()
    }

    @Test(
        "A record that a process has is cancelled by that process, which is told",
        arguments: StoreUnderTest.allCases)
    func cancelRunning(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (taskStore, other) = (try fixture.open(), try fixture.open())
        let known = try #require(try taskStore.control(after: nil))
        #expect(known.isEmpty)
        #expect(try taskStore.control(after: known.stamp) == nil)
        let ids = try taskStore.append("r", .make { $0.stopsOnFailure = true }, .make())
        taskStore.started(ids[0])
        try taskStore.flush()
        #expect(try other.cancel([ids[0]], by: ada) == [.requested])
        #expect(try other.cancel([ids[0]], by: ada) == [.requested])
        let told = try #require(try taskStore.control(after: known.stamp))
        #expect(told.cancelled == [ids[0]: "cancelled by ada"])
        #expect(try taskStore.state(of: ids[0]) == .running)
        taskStore.ended(ids[0], .cancelled(reason: "cancelled by ada"))
        #expect(try taskStore.state(of: ids[0]) == .cancelled)
        #expect(try taskStore.state(of: ids[1]) == .cancelled)
        #expect(try taskStore.control(after: told.stamp)?.isEmpty == true)
        for taskStore in [taskStore, other] { try taskStore.close() }
    }

    @Test(
        "If its process dies, or gives it back, the next claim ends it; if it was done, it stays so",
        arguments: StoreUnderTest.allCases)
    func cancelAndDie(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let (taskStore, other) = (try fixture.open(), try fixture.open())
        let dead = try taskStore.append("dead", .make())[0]
        let left = try other.append("left", .make())[0]
        let done = try other.append("done", .make())[0]
        let again = try other.append("again", .make())[0]
        for id in [left, done, again] { other.started(id) }
        taskStore.started(dead)
        for each in [taskStore, other] { try each.flush() }
        #expect(
            try other.cancel([dead, left, done, again], by: ada) == Array(repeating: .requested, count: 4))
        other.ended(left, .released)
        other.ended(done, .done(result: nil))
        other.ended(again, .again(error: "no", at: fixture.clock.now.addingTimeInterval(60)))
        fixture.die(taskStore)
        #expect(try other.claim().isEmpty)
        fixture.clock.advance(10)
        #expect(try other.claim().isEmpty)
        #expect(
            try [dead, left, done, again].map { try other.state(of: $0) } == [
                .cancelled, .cancelled, .done, .cancelled,
            ])
        #expect(try other.control(after: nil)?.isEmpty == true)
        #expect(try other.retry([done]) == [.changed])
        #expect(try other.claimedIDs() == [[done]], "a retry is not cancelled")
        try other.close()
    }

    // MARK: Actions

    @Test(
        "Who has changed what is recorded, and the last 10,000 are kept", arguments: StoreUnderTest.allCases)
    func actions(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let ids = try taskStore.append("r", .make(), .make(), .make(), .make(), .make(), runsHere: false)
        _ = try taskStore.discard([ids[0]], by: ada)
        _ = try taskStore.retry([ids[0]], by: ActionOrigin(who: "bob"))
        _ = try taskStore.discard([ids[1]])
        fixture.clock.advance(1)
        _ = try taskStore.pause(.key("k", name: "charge"), by: ada)
        _ = try taskStore.resume(.kind("charge"), by: ada)
        _ = try taskStore.cancel(ids + [.make(at: 0)], by: ada)
        _ = try taskStore.cancel([ids[2]], by: ActionOrigin(who: "ada", target: "charge"))
        let actions = try taskStore.actions(before: nil, limit: 50)
        #expect(
            actions.map { [$0.who, $0.action, $0.target, $0.result] } == [
                ["ada", "cancel", "charge", "1 refused: it is cancelled"],
                [
                    "ada", "cancel", "\(ids[0]) \(ids[1]) \(ids[2]) and 3 more",
                    "4 changed, 1 unknown, 1 refused: it is discarded",
                ],
                ["ada", "resume", "charge", "1 refused: it is not paused"],
                ["ada", "pause", "charge k", "1 changed"],
                ["bob", "retry", ids[0].text, "1 changed"],
                ["ada", "discard", ids[0].text, "1 changed"],
            ])
        #expect(actions[3].time == fixture.clock.now && actions[5].time < fixture.clock.now)
        let page = try taskStore.actions(before: actions[1].number, limit: 2)
        #expect(page == Array(actions[2...3]))
        try taskStore.close()
    }
}

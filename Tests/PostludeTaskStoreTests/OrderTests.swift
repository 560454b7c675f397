import Foundation
import PostludeRecordStoreFixtures
import PostludeTaskStore
import Testing

@Suite("The order of a request's records", .timeLimit(.minutes(10)))
struct OrderTests {
    private static let charge = NewRecord.make("charge") { $0.stopsOnFailure = true }

    /// The current states of the records, and the error of the last ones.
    private func look(_ ids: [RecordID], in taskStore: any RecordStore) throws -> [RecordState] {
        try ids.map { try #require(try taskStore.state(of: $0)) }
    }

    @Test(
        "Records after a failed one become dead letters that name it; a retry includes them",
        arguments: StoreUnderTest.allCases)
    func failure(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let ids = try taskStore.append("r", .make("before"), Self.charge, .make("receipt"), .make("ledger"))
        let other = try taskStore.append("other", .make())[0]
        taskStore.ended(ids[0], .done(result: nil))
        taskStore.started(ids[1])
        taskStore.ended(ids[1], .failed(error: "no money"))
        #expect(try look(ids + [other], in: taskStore) == [.done, .failed, .failed, .failed, .waiting])
        let receipt = try #require(try taskStore.record(ids[2]))
        #expect(receipt.error == "the task charge \(ids[1]) before it has failed" && receipt.owner == nil)
        #expect(receipt.stoppedBy == ids[1] && receipt.attempts == 0)

        let refusal =
            "the task charge \(ids[1]) before it has failed; retry that one, and this one runs after it"
        #expect(try taskStore.retry([ids[3]]) == [.refused(refusal)])
        #expect(try taskStore.retry([ids[3], ids[1]]) == [.changed, .changed])
        #expect(try taskStore.claimedIDs() == [Array(ids[1...])])
        #expect(try taskStore.record(ids[2])?.error == nil)
        try taskStore.close()
    }

    @Test(
        "A retry is refused if a record after it has a key that another record uses",
        arguments: StoreUnderTest.allCases)
    func retryKeys(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let receipt = NewRecord.make("receipt") { $0.uniqueKey = "k" }
        let ids = try taskStore.append("r", Self.charge, receipt)
        taskStore.ended(ids[0], .failed(error: "no"))
        try taskStore.flush()
        let second = try taskStore.append("r", receipt)[0]
        #expect(
            try taskStore.retry([ids[0]]) == [.refused("\(second), with the same unique key, is not over")])
        #expect(try look(ids, in: taskStore) == [.failed, .failed])
        try taskStore.close()
    }

    @Test(
        "An expiry, a discard and a rerouting after a failure stop the records after it, too",
        arguments: StoreUnderTest.allCases,
        [RecordEnd.expired, .discarded, .moved(queue: "q", reason: "it failed")])
    func otherEnds(store: StoreUnderTest, end: RecordEnd) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let ids = try taskStore.append("r", Self.charge, .make("receipt"))
        taskStore.started(ids[0])
        taskStore.ended(ids[0], end)
        #expect(try look(ids, in: taskStore)[1] == .failed)
        #expect(try taskStore.record(ids[1])?.stoppedBy == ids[0])
        try taskStore.close()
    }

    @Test(
        "A failed record that stops nothing, and a successful one, do not affect those after them",
        arguments: StoreUnderTest.allCases)
    func goesOn(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let ids = try taskStore.append("r", .make("note"), Self.charge, .make("receipt"))
        taskStore.ended(ids[0], .failed(error: "no"))
        taskStore.ended(ids[1], .moved(queue: "q", reason: nil))
        #expect(try look(ids, in: taskStore) == [.failed, .outgoing, .waiting])
        try taskStore.close()
    }

    @Test(
        "After a crash no record is claimed after one that waits, has expired, or belongs to another process",
        arguments: StoreUnderTest.allCases)
    func claims(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let dead = try fixture.open()
        let later = NewRecord.make("charge") { [fixture] in
            $0.stopsOnFailure = true
            $0.notBefore = fixture.clock.now.addingTimeInterval(60)
        }
        let short = NewRecord.make("charge") { [fixture] in
            $0.stopsOnFailure = true
            $0.expires = fixture.clock.now.addingTimeInterval(1)
        }
        let waiting = try dead.append("1", later, .make("receipt"))
        let expired = try dead.append("2", short, .make("receipt"))
        let whole = try dead.append("3", Self.charge, .make("receipt"))
        let ahead = NewRecord.make("review") { [fixture] in
            $0.notBefore = fixture.clock.now.addingTimeInterval(2)
        }
        let held = try taskStore.append("4", Self.charge, ahead)
        fixture.die(dead)
        fixture.clock.advance(2)
        #expect(try taskStore.claimedIDs() == [whole])
        #expect(try look(expired, in: taskStore) == [.expired, .failed])
        #expect(try look(waiting + held, in: taskStore) == [.waiting, .waiting, .waiting, .waiting])
        // The next search is not immediate.
        #expect(try #require(try taskStore.nextDue()) > fixture.clock.now)
        taskStore.ended(held[0], .done(result: nil))
        try taskStore.flush()
        fixture.clock.advance(5)
        #expect(try taskStore.claimedIDs() == [[held[1]]])
        fixture.clock.advance(60)
        #expect(try taskStore.claimedIDs() == [waiting])
        try taskStore.close()
    }

    @Test(
        "A record that is sent in its turn waits for its turn, and can be claimed",
        arguments: StoreUnderTest.allCases)
    func leavesInTurn(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let leaving = NewRecord.make("receipt") {
            $0.queue = "mails"
            $0.leavesInTurn = true
        }
        let ids = try taskStore.append("r", Self.charge, leaving, runsHere: false)
        #expect(try look(ids, in: taskStore) == [.waiting, .waiting] && taskStore.outgoingQueues().isEmpty)
        let claimed = try #require(taskStore.claim().first)
        #expect(claimed.records.map(\.id) == ids && claimed.records[1].queue == "mails")
        taskStore.ended(ids[0], .done(result: nil))
        taskStore.ended(ids[1], .moved(queue: "mails", reason: nil))
        #expect(try look(ids, in: taskStore) == [.done, .outgoing])
        try taskStore.close()
    }

    @Test("Discarding a record discards the records that wait for it", arguments: StoreUnderTest.allCases)
    func discard(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let ids = try taskStore.append("r", Self.charge, .make("receipt"), runsHere: false)
        #expect(try taskStore.discard(ids) == [.changed, .changed])
        #expect(try look(ids, in: taskStore) == [.discarded, .discarded])
        // A caller that retries one of them alone knows that the other one is not wanted.
        #expect(try taskStore.retry([ids[1]]) == [.changed])

        let failed = try taskStore.append("r", Self.charge, .make("receipt"))
        taskStore.ended(failed[0], .failed(error: "no"))
        try taskStore.flush()
        #expect(try taskStore.discard([failed[0]]) == [.changed])
        #expect(try look(failed, in: taskStore) == [.discarded, .discarded])
        try taskStore.close()
    }

    @Test(
        "A record that is unique while it is stored blocks its key even when it is over, in any state",
        arguments: StoreUnderTest.allCases)
    func uniqueAsLongAsStored(store: StoreUnderTest) throws {
        let fixture = try store.fixture()
        let taskStore = try fixture.open()
        let once = NewRecord.make {
            $0.uniqueKey = "k"
            $0.uniqueScope = .stored
        }
        let first = try taskStore.append("1", once)[0]
        for end in [RecordEnd.done(result: Data("7".utf8)), .failed(error: "no"), .discarded] {
            #expect(try taskStore.append(NewRequest(id: "2", records: [once]))[0].existing?.id == first)
            taskStore.started(first)
            taskStore.ended(first, end)
            try taskStore.flush()
            let appended = try taskStore.append(
                NewRequest(id: "3", records: [.make("other") { $0.uniqueKey = "k" }, once]))
            #expect(appended[0].existing == nil || appended[0].id != first)
            #expect(appended[1].existing?.id == first && appended[1].existing?.state.isOver == true)
            #expect(try taskStore.retry([first]) == [.changed])
        }
        // A record that is unique only until it is over may be added.
        taskStore.ended(first, .failed(error: "no"))
        try taskStore.flush()
        let again = try taskStore.append(NewRequest(id: "4", records: [.make { $0.uniqueKey = "k" }]))
        #expect(again[0].existing == nil)
        try taskStore.close()
    }
}

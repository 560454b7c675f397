import Foundation
import PostludeRecordStoreFixtures
import PostludeSystem
import PostludeTaskStore
import PostludeTesting
import Testing

/// The states of records, by random schedules of two processes that claim, run, fail and die, of operators, and of time.
///
/// A schedule is a list of actions that a seed determines. After each action the states in the store are compared with what the
/// action may change. At the end everything is resumed and run: no record may be forgotten, or done twice. The schedule of a
/// failure is shortened before it is reported.
@Suite("The states of records explored by schedules", .timeLimit(.minutes(10)))
struct StateMachineTests {
    @Test(
        "Whatever processes, operators and time do, no record is forgotten, done twice or in a state that nothing has led to",
        arguments: StoreUnderTest.allCases)
    func schedules(store: StoreUnderTest) throws {
        for seed in 1...UInt64(isLongRun ? 1000 : 6) {
            var generator = SeededGenerator(seed: seed)
            let schedule = (0..<40).map { _ in Action.random(using: &generator) }
            try Self.check(schedule, seed: seed) { try Self.run($0, on: store.fixture()) }
        }
    }

    @Test("The same seed makes the same schedule 1,000 times of 1,000")
    func seeds() {
        func schedule(_ seed: UInt64) -> [Action] {
            var generator = SeededGenerator(seed: seed)
            return (0..<40).map { _ in Action.random(using: &generator) }
        }
        let first = schedule(7)
        #expect((0..<1000).allSatisfy { _ in schedule(7) == first })
        #expect(Set((1...1000).map { schedule($0) }).count == 1000)
    }

    @Test("A store that forgets is found, with the shortest schedule")
    func found() throws {
        // A process that has died holds its records for ever, as if the store did not notice the death.
        let failure = #expect(throws: ScheduleFailure.self) {
            for seed in UInt64(1)...20 {
                var generator = SeededGenerator(seed: seed)
                let schedule = (0..<40).map { _ in Action.random(using: &generator) }
                try Self.check(schedule, seed: seed) {
                    try Self.run($0, on: StoreUnderTest.sqliteFile.fixture(), noticesDeaths: false)
                }
            }
        }
        #expect(failure?.schedule.count == 1)
        #expect(failure?.description.contains("the shortest schedule") == true)
    }

    // MARK: Schedules

    /// What happens next. The numbers choose a process, a record and an end among those that are possible then.
    private enum Action: Hashable, CustomStringConvertible {
        case append(process: Int, delay: Int)
        case claim(process: Int)
        case start(Int)
        case end(Int, how: Int)
        case die(process: Int)
        case retry(Int)
        case discard(Int)
        case cancel(Int)
        case pause(Int)
        case resume(Int)
        case wait(seconds: Int)

        static func random(using generator: inout SeededGenerator) -> Action {
            let number = Int.random(in: 0..<1000, using: &generator)
            let process = number % 2
            switch Int.random(in: 0..<100, using: &generator) {
            case 0..<12: return .append(process: process, delay: number % 3 == 0 ? 5 : 0)
            case 12..<32: return .claim(process: process)
            case 32..<50: return .start(number)
            case 50..<66: return .end(number, how: number / 7 % 6)
            case 66..<74: return .die(process: process)
            case 74..<78: return .retry(number)
            case 78..<81: return .discard(number)
            case 81..<84: return .cancel(number)
            case 84..<87: return .pause(number)
            case 87..<92: return .resume(number)
            default: return .wait(seconds: [1, 3, 10][number % 3])
            }
        }

        var description: String {
            switch self {
            case .append(let process, let delay): "process \(process) adds a record, due after \(delay) s"
            case .claim(let process): "process \(process) claims"
            case .start(let number): "record \(number) begins"
            case .end(let number, let how): "record \(number) ends in way \(how)"
            case .die(let process): "process \(process) dies"
            case .retry(let number): "record \(number) is retried"
            case .discard(let number): "record \(number) is discarded"
            case .cancel(let number): "record \(number) is cancelled"
            case .pause(let number): "record \(number) is paused"
            case .resume(let number): "record \(number) is resumed"
            case .wait(let seconds): "\(seconds) s pass"
            }
        }
    }

    private struct ScheduleFailure: Error, CustomStringConvertible {
        let seed: UInt64
        let schedule: [Action]
        let reason: String

        var description: String {
            "\(reason)\nthe shortest schedule (seed \(seed)):\n"
                + schedule.map { "- \($0)" }.joined(separator: "\n")
        }
    }

    /// A state that nothing has led to.
    private struct Mismatch: Error { let text: String }

    /// Runs a schedule. If it fails, leaves out actions as long as it still does.
    private static func check(_ schedule: [Action], seed: UInt64, _ run: ([Action]) throws -> Void) throws {
        func reason(_ schedule: [Action]) throws -> String? {
            do {
                try run(schedule)
                return nil
            } catch let mismatch as Mismatch {
                return mismatch.text
            }
        }
        guard var failure = try reason(schedule) else { return }
        var shortest = schedule
        var index = shortest.count - 1
        while index >= 0 {
            var shorter = shortest
            shorter.remove(at: index)
            if let reason = try reason(shorter) { (shortest, failure) = (shorter, reason) }
            index = min(index, shortest.count) - 1
        }
        throw ScheduleFailure(seed: seed, schedule: shortest, reason: failure)
    }

    // MARK: A run

    private static func run(
        _ schedule: [Action], on fixture: any RecordStoreFixture, noticesDeaths: Bool = true
    ) throws {
        let run = try Run(fixture, noticesDeaths: noticesDeaths)
        defer { run.close() }
        for action in schedule { try run.perform(action) }
        try run.finish()
    }

    /// What the test knows about a record.
    private struct Known {
        let id: RecordID
        var state = RecordState.waiting
        /// The process that has it, and whether its attempt has begun; nil for none.
        var owner: Int?
        var isPaused = false
        /// Whether a process has been asked to cancel it.
        var isCancelling = false
        /// How often an attempt has ended well.
        var successes = 0
        var retries = 0
    }

    private final class Run {
        private let fixture: any RecordStoreFixture
        private let noticesDeaths: Bool
        private var stores: [any RecordStore]
        /// Stores of dead processes.
        private var dead: [any RecordStore] = []
        private var records: [Known] = []
        private let operatorName = ActionOrigin(who: "ada")

        init(_ fixture: any RecordStoreFixture, noticesDeaths: Bool) throws {
            self.fixture = fixture
            self.noticesDeaths = noticesDeaths
            stores = try (0..<2).map { _ in try fixture.open() }
        }

        func close() { for store in stores + dead { try? store.close() } }

        func perform(_ action: Action) throws {
            let before = records
            // The records whose state the action may change, and to what.
            var allowed: [Int: Set<RecordState>] = [:]
            switch action {
            case .append(let process, let delay):
                let now = fixture.clock.now
                let id = try stores[process].append(
                    "r",
                    .make { record in
                        if delay > 0 { record.notBefore = now.addingTimeInterval(Double(delay)) }
                    })[0]
                records.append(Known(id: id, owner: delay > 0 ? nil : process))
            case .claim(let process):
                let claimed = try stores[process].claim(64, takingSuspect: true).flatMap(\.records)
                // The deaths of processes are noticed, as soon as a server knows of them.
                for index in records.indices where records[index].owner == -1 {
                    guard let record = try stores[process].record(records[index].id) else { continue }
                    allowed[index] = [.waiting, .failed, .cancelled, records[index].state]
                    if record.owner == nil || claimed.contains(where: { $0.id == record.id }) {
                        records[index].owner = nil
                    }
                }
                for index in records.indices where records[index].isCancelling && records[index].owner == nil
                {
                    allowed[index, default: [records[index].state]].insert(.cancelled)
                }
                for record in claimed {
                    guard let index = records.firstIndex(where: { $0.id == record.id }) else {
                        throw Mismatch(text: "an unknown record was claimed")
                    }
                    guard records[index].owner == nil, !records[index].isPaused else {
                        throw Mismatch(
                            text: "a record was claimed that is paused, or another process's: \(index)")
                    }
                    records[index].owner = process
                }
            case .start(let number):
                guard let index = pick(number, where: { ($0.owner ?? -1) >= 0 && $0.state == .waiting })
                else { return }
                stores[records[index].owner ?? 0].started(records[index].id)
                records[index].state = .running
                allowed[index] = [.running]
            case .end(let number, let how):
                guard let index = pick(number, where: { ($0.owner ?? -1) >= 0 && $0.state == .running })
                else { return }
                allowed[index] = [end(index, how)]
                // One that would be tried again by another process ends instead.
                if records[index].isCancelling { allowed[index]?.insert(.cancelled) }
            case .die(let process):
                if noticesDeaths { fixture.die(stores[process]) }
                dead.append(stores[process])
                stores[process] = try fixture.open()
                for index in records.indices where records[index].owner == process {
                    records[index].owner = -1
                }
                return try compare(before, [:], ignoringOfDead: true)
            case .retry(let number):
                guard let index = pick(number, where: { _ in true }) else { return }
                let isOver = records[index].state.isOver
                let result = try stores[0].retry([records[index].id], by: operatorName)[0]
                if isOver, result != .changed {
                    throw Mismatch(text: "record \(index), which is over, was not retried: \(result)")
                }
                if isOver {
                    records[index].retries += 1
                    records[index].isCancelling = false
                    allowed[index] = [.waiting]
                }
            case .discard(let number):
                guard let index = pick(number, where: { _ in true }) else { return }
                let mayBe = [.waiting, .failed].contains(records[index].state) && records[index].owner == nil
                let result = try stores[1].discard([records[index].id], by: operatorName)[0]
                if mayBe != (result == .changed), records[index].owner != -1 {
                    throw Mismatch(text: "the discarding of record \(index): \(result)")
                }
                if result == .changed {
                    allowed[index] = [.discarded]
                    records[index].owner = nil
                }
            case .cancel(let number):
                guard let index = pick(number, where: { _ in true }) else { return }
                let result = try stores[0].cancel([records[index].id], by: operatorName)[0]
                if records[index].state.isOver != (result != .changed && result != .requested) {
                    throw Mismatch(text: "the cancellation of record \(index): \(result)")
                }
                if result == .changed {
                    allowed[index] = [.cancelled]
                    records[index].owner = nil
                }
                if result == .requested { records[index].isCancelling = true }
            case .pause(let number):
                guard let index = pick(number, where: { !$0.isPaused && !$0.state.isOver }) else { return }
                guard try stores[1].pause(.record(records[index].id), by: operatorName) == .changed else {
                    throw Mismatch(text: "record \(index) was not paused")
                }
                records[index].isPaused = true
            case .resume(let number):
                guard let index = pick(number, where: { $0.isPaused }) else { return }
                let result = try stores[0].resume(.record(records[index].id), by: operatorName)
                // The pause of a record ends with it.
                guard result == .changed || records[index].state.isOver else {
                    throw Mismatch(text: "record \(index) was not resumed: \(result)")
                }
                records[index].isPaused = false
            case .wait(let seconds): fixture.clock.advance(seconds)
            }
            try compare(before, allowed)
        }

        private func pick(_ number: Int, where isPossible: (Known) -> Bool) -> Int? {
            let possible = records.indices.filter { isPossible(records[$0]) }
            return possible.isEmpty ? nil : possible[number % possible.count]
        }

        /// Ends the attempt of a record.
        ///
        /// - Returns: the state that follows.
        private func end(_ index: Int, _ how: Int) -> RecordState {
            let (id, process) = (records[index].id, records[index].owner ?? 0)
            let next = fixture.clock.now.addingTimeInterval(2)
            var keeps = false
            let (end, state): (RecordEnd, RecordState) =
                switch how {
                case 0, 1: (.done(result: Data("1".utf8)), .done)
                case 2: (.failed(error: "refused"), .failed)
                case 3: (.again(error: "later", at: next), .waiting)
                case 4: (.postponed(until: next, isKept: false), .waiting)
                default: (.retrying(error: "refused"), .waiting)
                }
            if case .retrying = end { keeps = true }
            stores[process].ended(id, end)
            records[index].state = state
            if !keeps { records[index].owner = nil }
            if state == .done { records[index].successes += 1 }
            return state
        }

        /// Compares the states in the store with those before an action.
        private func compare(
            _ before: [Known], _ allowed: [Int: Set<RecordState>], ignoringOfDead: Bool = false
        ) throws {
            for store in stores { try store.flush() }
            for index in records.indices {
                guard let record = try stores[0].record(records[index].id) else {
                    throw Mismatch(text: "record \(index) is not there")
                }
                let last = index < before.count ? before[index].state : .waiting
                let states = allowed[index] ?? [last]
                let isOfDead = ignoringOfDead && records[index].owner == -1
                // A record that is running may have been noted as such by a process that has died since.
                guard
                    states.contains(record.state) || isOfDead && [.waiting, .running].contains(record.state)
                else {
                    throw Mismatch(
                        text: "record \(index) was \(last), may be \(states), and is \(record.state)")
                }
                records[index].state = record.state
                if record.state.isOver { records[index].owner = nil }
            }
        }

        /// Resumes everything, and runs what is left: all records that are not over are done then.
        func finish() throws {
            for process in stores.indices { try perform(.die(process: process)) }
            while let index = records.firstIndex(where: { $0.isPaused }) { try perform(.resume(index)) }
            for _ in 0..<40 where records.contains(where: { !$0.state.isOver }) {
                try perform(.claim(process: 0))
                for index in records.indices where records[index].owner == 0 {
                    stores[0].started(records[index].id)
                    stores[0].ended(records[index].id, .done(result: nil))
                    try stores[0].flush()
                    records[index].successes += 1
                    records[index].owner = nil
                    records[index].state = try stores[0].record(records[index].id)?.state ?? .waiting
                    guard records[index].state == .done else {
                        throw Mismatch(text: "record \(index) is \(records[index].state) after it was done")
                    }
                }
                fixture.clock.advance(10)
            }
            for (index, record) in records.enumerated() {
                guard record.state.isOver else {
                    throw Mismatch(text: "record \(index) is forgotten: it is \(record.state)")
                }
                guard record.successes <= 1 + record.retries else {
                    throw Mismatch(text: "record \(index) was done \(record.successes) times")
                }
            }
        }
    }
}

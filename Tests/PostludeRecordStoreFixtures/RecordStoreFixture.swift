package import Foundation
internal import PostludePostgreSQLStore
internal import PostludeSQLiteStore
package import PostludeTaskStore
internal import Synchronization

/// The kinds of stores with which the tests of `PostludeTaskStoreTests` run.
package enum StoreUnderTest: String, CaseIterable, Sendable {
    case sqliteFile
    case postgreSQL
    /// Tables in the application's database.
    case sqliteDatabase

    package var driver: any RecordStoreDriver {
        switch self {
        case .sqliteFile: SQLiteFileDriver()
        case .postgreSQL: PostgreSQLDriver()
        case .sqliteDatabase: PlacedDatabaseDriver()
        }
    }

    /// Makes an empty store.
    package func fixture() throws -> any RecordStoreFixture {
        switch self {
        case .sqliteFile: try SQLiteFileFixture()
        case .postgreSQL: try PostgreSQLFixture()
        case .sqliteDatabase: try SQLiteDatabaseFixture()
        }
    }
}

/// A test's own store, and a clock that stands still. The store is removed with it.
package protocol RecordStoreFixture: AnyObject, Sendable {
    var clock: TestClock { get }

    var kind: StoreUnderTest { get }

    /// Where the store is, as its driver takes it.
    var place: String { get }

    /// Makes an owner dead for all others: its process has ended, and has released nothing. The caller does not use the store
    /// afterwards.
    func die(_ store: any RecordStore)

    /// Returns the owners that the store knows, by their numbers.
    func owners() throws -> [Int64]
}

extension RecordStoreFixture {
    /// Opens the store, as another process would: each call returns another owner.
    package func open(
        role: TaskStoreRole = .process, lockTimeout: Duration = .seconds(120),
        _ change: (inout TaskStoreSettings) -> Void = { _ in }
    ) throws -> any RecordStore {
        try kind.driver.open(
            place, role: role, settings: settings(lockTimeout: lockTimeout, change))
    }

    /// Opens the store with the real clock, which other processes have.
    package func openNow() throws -> any RecordStore {
        try kind.driver.open(place, role: .process, settings: TaskStoreSettings())
    }

    func settings(lockTimeout: Duration, _ change: (inout TaskStoreSettings) -> Void) -> TaskStoreSettings {
        var settings = TaskStoreSettings()
        change(&settings)
        settings.now = { [clock] in clock.now }
        settings.lockTimeout = lockTimeout
        return settings
    }
}

package final class TestClock: Sendable {
    private let seconds = Atomic<Int>(1_800_000_000)

    package init() {}

    package var now: Date { Date(timeIntervalSince1970: Double(seconds.load(ordering: .relaxed))) }

    package func advance(_ count: Int) { seconds.add(count, ordering: .relaxed) }
}

/// The deaths that a store has reported.
package final class ReportedDeaths: Sendable {
    private let all = Mutex<[RecordDeath]>([])

    package init() {}

    package var deaths: [RecordDeath] { all.withLock { $0 } }

    package func add(_ death: RecordDeath) { all.withLock { $0.append(death) } }
}

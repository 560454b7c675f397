import Foundation
import GRDB
import HTTPTypes
import Postlude
import PostludeDurable
import PostludeTesting

/// A shop with a fault, or without it.
///
/// A client sends one order. The shop must charge it once, send one receipt, and so on, whatever happens to its processes.
protocol PlantedFault: Application {
    var shop: ShopParts { get set }
    /// The services that must have acted once.
    static var services: [String] { get }
    static var hasKeys: Bool { get }
    /// Whether the shop has a database of its own, which its tasks are in.
    static var hasDatabase: Bool { get }
    static func check(_ app: ExploredApplication<Self>) throws
}

/// What each of the shops has.
struct ShopParts: Sendable {
    var isRepaired = true
    var process: ExploredProcess?
    var database: DatabasePool?

    /// The services know keys: a call with one that they have seen has no effect.
    func call(_ service: String, key: String? = nil) throws { try process?.call(service, "7", key: key) }

    /// - Returns: false if the order was there before.
    @discardableResult
    func insert(_ table: String, in connection: Database) throws -> Bool {
        try connection.execute(sql: "INSERT OR IGNORE INTO \(table) (id) VALUES (7)")
        return connection.changesCount == 1
    }

    func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
        guard let database else { throw CocoaError(.fileNoSuchFile) }
        return try database.write(body)
    }
}

extension PlantedFault {
    static var services: [String] { ["charge"] }
    static var hasKeys: Bool { true }
    static var hasDatabase: Bool { false }

    static func check(_ app: ExploredApplication<Self>) throws {
        for service in services { try app.expect(service, times: 1) }
    }

    static func make(isRepaired: Bool, in process: ExploredProcess?, folder: String) throws -> Self {
        var application = Self()
        application.shop = ShopParts(isRepaired: isRepaired, process: process)
        guard hasDatabase else { return application }
        let database = try DatabasePool(path: folder + "/shop.sqlite")
        try database.write { connection in
            try connection.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS placed (id INTEGER PRIMARY KEY);
                    CREATE TABLE IF NOT EXISTS charged (id INTEGER PRIMARY KEY);
                    CREATE TABLE IF NOT EXISTS ledger (number INTEGER PRIMARY KEY, id INTEGER NOT NULL);
                    """)
        }
        application.shop.database = database
        return application
    }

    static func explore(isRepaired: Bool, seed: UInt64 = 1, schedules: Int = 200) async throws -> Exploration
    {
        let folder = FileManager.default.temporaryDirectory.path + "/planted-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let keys = hasKeys ? ", idempotency: { key: optional }" : ""
        let app = try await TestApplication(
            make(isRepaired: isRepaired, in: nil, folder: folder),
            manifest: "routes: [{ path: /orders, method: POST, handler: order\(keys) }]")
        return try await app.explore(
            .post("/orders").with(key: "order-7"), seed: seed, schedules: schedules
        ) { process in
            try make(isRepaired: isRepaired, in: process, folder: process.folder)
        } check: { app in
            try check(app)
        }
    }

    /// The engine of a shop.
    func engine(@DurableTasksBuilder _ kinds: () -> [DurableTaskKind]) -> TaskEngine? {
        if let database = shop.database { .durable(in: .database(database), kinds) } else { .durable(kinds) }
    }
}

/// The task of a shop whose fault is elsewhere: it charges, and its id is the key.
struct ChargeWithKey<Shop: PlantedFault>: DurableTask {
    static var name: String { "Charge" }
    static var policy: DurablePolicy { .patient }

    func run(_ context: TaskContext) async throws {
        try context.application(Shop.self).shop.call("charge", key: context.taskID)
    }
}

extension TestRequest {
    /// The same request with an `Idempotency-Key`.
    func with(key: String) -> TestRequest {
        var request = self
        if let name = HTTPField.Name("Idempotency-Key") { request.headers[name] = key }
        return request
    }
}

extension DurablePolicy {
    static let patient = DurablePolicy(retry: RetryPolicy(attempts: 5))
}

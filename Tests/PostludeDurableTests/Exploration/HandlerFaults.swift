import GRDB
import Postlude
import PostludeDurable
import PostludeTesting
import Synchronization

// Faults in what a handler does, and in which order.

/// The handler charges, and the client repeats its request.
struct ChargeInHandler: PlantedFault {
    var shop = ShopParts()
    var handlers: Handlers { Handler("order", order) }
    var taskEngine: TaskEngine? { .durable { Charge.self } }

    func order(tasks: BackgroundTasks) throws -> Accepted<String> {
        if shop.isRepaired { try tasks.enqueue(Charge()) } else { try shop.call("charge") }
        return Accepted("placed")
    }

    typealias Charge = ChargeWithKey<ChargeInHandler>
}

/// Each repetition of the request adds a task of its own.
struct TaskForEachRequest: PlantedFault {
    static let hasKeys = false
    var shop = ShopParts()
    var handlers: Handlers { Handler("order", order) }
    var taskEngine: TaskEngine? { .durable { Charge.self } }

    func order(tasks: BackgroundTasks) throws -> Accepted<String> {
        try tasks.enqueue(Charge(), unique: shop.isRepaired ? "7" : nil, while: .stored)
        return Accepted("placed")
    }

    typealias Charge = ChargeWithKey<TaskForEachRequest>
}

/// The unique key is free again when the task is done, and the client repeats its request after that.
struct UniqueUntilDone: PlantedFault {
    static let hasKeys = false
    var shop = ShopParts()
    var handlers: Handlers { Handler("order", order) }
    var taskEngine: TaskEngine? { .durable { Charge.self } }

    func order(tasks: BackgroundTasks) throws -> Accepted<String> {
        try tasks.enqueue(Charge(), unique: "7", while: shop.isRepaired ? .stored : .unfinished)
        return Accepted("placed")
    }

    typealias Charge = ChargeWithKey<UniqueUntilDone>
}

/// The receipt is sent by a task in memory.
struct ReceiptInMemory: PlantedFault {
    static let services = ["charge", "mail"]
    var shop = ShopParts()
    var handlers: Handlers { Handler("order", order) }
    var taskEngine: TaskEngine? {
        .durable {
            Charge.self
            Receipt.self
        }
    }

    func order(tasks: BackgroundTasks) throws -> Accepted<String> {
        try tasks.enqueue(Charge())
        if shop.isRepaired {
            try tasks.enqueue(Receipt())
        } else {
            tasks.add(named: "receipt", retry: RetryPolicy(attempts: 5)) { [shop] in
                try shop.call("mail", key: "7")
            }
        }
        return Accepted("placed")
    }

    typealias Charge = ChargeWithKey<ReceiptInMemory>

    struct Receipt: DurableTask {
        static let policy = DurablePolicy.patient
        func run(_ context: TaskContext) async throws {
            try context.application(ReceiptInMemory.self).shop.call("mail", key: context.taskID)
        }
    }
}

/// A task in memory adds the durable one, after the client has its answer.
struct EnqueuedAfterResponse: PlantedFault {
    var shop = ShopParts()
    var handlers: Handlers { Handler("order", order) }
    var taskEngine: TaskEngine? { .durable { Charge.self } }

    func order(tasks: BackgroundTasks) throws -> Accepted<String> {
        if shop.isRepaired {
            try tasks.enqueue(Charge())
        } else {
            tasks.add(named: "later") { try TaskContext.current?.durableTasks.enqueue(Charge()) }
        }
        return Accepted("placed")
    }

    typealias Charge = ChargeWithKey<EnqueuedAfterResponse>
}

/// The row of the order is committed before the task: the repetition finds the row, and adds no task.
struct RowBeforeTask: PlantedFault {
    static let hasDatabase = true
    static let hasKeys = false
    var shop = ShopParts()
    var handlers: Handlers {
        if shop.isRepaired { Handler("order", orderInTransaction) } else { Handler("order", order) }
    }
    var taskEngine: TaskEngine? { engine { Charge.self } }

    func order(tasks: BackgroundTasks) throws -> Accepted<String> {
        guard try shop.write({ try shop.insert("placed", in: $0) }) else { return Accepted("known") }
        try tasks.enqueue(Charge())
        return Accepted("placed")
    }

    func orderInTransaction(transaction: Transaction<SQLite>, tasks: BackgroundTasks) throws -> Accepted<
        String
    > {
        guard try shop.insert("placed", in: transaction.database) else { return Accepted("known") }
        try tasks.enqueue(Charge())
        return Accepted("placed")
    }

    typealias Charge = ChargeWithKey<RowBeforeTask>
}

/// The task is committed before the row of the order, which would tell that it is there.
struct TaskBeforeRow: PlantedFault {
    static let hasDatabase = true
    static let hasKeys = false
    var shop = ShopParts()
    var handlers: Handlers { Handler("order", order) }
    var taskEngine: TaskEngine? { engine { Charge.self } }

    func order(tasks: BackgroundTasks) throws -> Accepted<String> {
        if shop.isRepaired {
            try shop.write { connection in
                guard try shop.insert("placed", in: connection) else { return }
                try tasks.enqueue(Charge(), in: connection)
            }
        } else if try !shop.write({ try Bool.fetchOne($0, sql: "SELECT count(*) FROM placed") ?? false }) {
            try tasks.enqueue(Charge())
            _ = try tasks.persist()
            try shop.write { _ = try shop.insert("placed", in: $0) }
        }
        return Accepted("placed")
    }

    typealias Charge = ChargeWithKey<TaskBeforeRow>
}

/// The order is written after the response.
struct WrittenBehind: PlantedFault {
    static let hasDatabase = true
    var shop = ShopParts()
    var handlers: Handlers { Handler("order", order) }
    var taskEngine: TaskEngine? { engine { Charge.self } }

    struct Charge: DurableTask { func run(_ context: TaskContext) async throws {} }

    func order(tasks: BackgroundTasks) throws -> Accepted<String> {
        if shop.isRepaired {
            try shop.write { _ = try shop.insert("placed", in: $0) }
        } else {
            tasks.add(named: "write") { [shop] in try shop.write { _ = try shop.insert("placed", in: $0) } }
        }
        return Accepted("placed")
    }

    static func check(_ app: ExploredApplication<Self>) throws {
        let rows = try app.application.shop.write { try Int.fetchOne($0, sql: "SELECT count(*) FROM placed") }
        try app.expect(rows == 1, "the order was forgotten")
    }
}

/// What was charged is noted in the process's memory.
struct NotedInMemory: PlantedFault {
    private final class Charged: Sendable {
        private let orders = Mutex<Set<Int>>([])
        func insert(_ order: Int) -> Bool { orders.withLock { $0.insert(order).inserted } }
    }

    static let hasKeys = false
    var shop = ShopParts()
    private let charged = Charged()
    var handlers: Handlers { Handler("order", order) }
    var taskEngine: TaskEngine? { .durable { Charge.self } }

    func order(tasks: BackgroundTasks) throws -> Accepted<String> {
        if shop.isRepaired {
            try tasks.enqueue(Charge(), unique: "7", while: .stored)
        } else if charged.insert(7) {
            try tasks.enqueue(Charge())
        }
        return Accepted("placed")
    }

    typealias Charge = ChargeWithKey<NotedInMemory>
}

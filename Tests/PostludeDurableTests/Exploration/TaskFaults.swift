import GRDB
import Postlude
import PostludeDurable
import PostludeTesting

// Faults in what a durable task does.

/// A shop whose handler only adds the task.
protocol TaskFault: PlantedFault {
    associatedtype Order: DurableTask
    static var order: Order { get }
}

extension TaskFault {
    @HandlersBuilder
    var handlers: Handlers {
        Handler("order") { (tasks: BackgroundTasks) throws -> Accepted<String> in
            try tasks.enqueue(Self.order)
            return Accepted("placed")
        }
    }
    var taskEngine: TaskEngine? { engine { Order.self } }
}

/// The provider does not recognize the second attempt.
struct CallWithoutKey: TaskFault {
    var shop = ShopParts()
    static let order = Charge()

    struct Charge: DurableTask {
        static let policy = DurablePolicy.patient
        func run(_ context: TaskContext) async throws {
            let shop = try context.application(CallWithoutKey.self).shop
            try shop.call("charge", key: shop.isRepaired ? context.taskID : nil)
        }
    }
}

/// Each attempt has a key of its own.
struct KeyOfAttempt: TaskFault {
    var shop = ShopParts()
    static let order = Charge()

    struct Charge: DurableTask {
        static let policy = DurablePolicy.patient
        func run(_ context: TaskContext) async throws {
            let shop = try context.application(KeyOfAttempt.self).shop
            let id = context.taskID ?? ""
            try shop.call("charge", key: shop.isRepaired ? id : "\(id)-\(context.attempt)")
        }
    }
}

/// The task repeats a call whose answer was lost.
struct CallInLoop: TaskFault {
    var shop = ShopParts()
    static let order = Charge()

    struct Charge: DurableTask {
        static let policy = DurablePolicy.patient
        func run(_ context: TaskContext) async throws {
            let shop = try context.application(CallInLoop.self).shop
            var last: (any Error)?
            for _ in 1...3 {
                do {
                    // The key only serves to make the task's attempts one.
                    return try shop.call("charge", key: shop.isRepaired ? context.taskID : nil)
                } catch {
                    last = error
                }
            }
            if let last { throw last }
        }
    }
}

/// One step makes two calls: the first one is made again if the second one fails.
struct TwoCallsInStep: TaskFault {
    static let services = ["charge", "ship"]
    var shop = ShopParts()
    static let order = Fulfil()

    struct Fulfil: DurableTask {
        static let policy = DurablePolicy.patient
        func run(_ context: TaskContext) async throws {
            let shop = try context.application(TwoCallsInStep.self).shop
            guard shop.isRepaired else {
                return try context.step("fulfil") {
                    try shop.call("charge")
                    try shop.call("ship")
                }
            }
            try context.step("charge") { try shop.call("charge", key: context.taskID) }
            try context.step("ship") { try shop.call("ship", key: context.taskID) }
        }
    }
}

/// The task catches the error of the call, and is done.
struct SwallowedError: TaskFault {
    var shop = ShopParts()
    static let order = Charge()

    struct Charge: DurableTask {
        static let policy = DurablePolicy.patient
        func run(_ context: TaskContext) async throws {
            let shop = try context.application(SwallowedError.self).shop
            do {
                try shop.call("charge", key: context.taskID)
            } catch {
                if shop.isRepaired { throw error }
            }
        }
    }
}

/// The entry of the ledger is committed before the end of the task.
struct EntryBeforeEnd: TaskFault {
    static let hasDatabase = true
    var shop = ShopParts()
    static let order = Enter()

    struct Enter: DurableTask {
        static let policy = DurablePolicy.patient
        func run(_ context: TaskContext) async throws {
            let shop = try context.application(EntryBeforeEnd.self).shop
            let entry = "INSERT INTO ledger (id) VALUES (7)"
            if shop.isRepaired {
                try context.transaction { try $0.execute(sql: entry) }
            } else {
                try shop.write { try $0.execute(sql: entry) }
            }
        }
    }

    static func check(_ app: ExploredApplication<Self>) throws {
        let entries = try app.application.shop.write {
            try Int.fetchOne($0, sql: "SELECT count(*) FROM ledger")
        }
        try app.expect(entries == 1, "the ledger has \(entries ?? 0) entries")
    }
}

/// The row that keeps the task from charging again is written after the charge.
struct MarkedAfterCall: TaskFault {
    static let hasDatabase = true
    var shop = ShopParts()
    static let order = Charge()

    struct Charge: DurableTask {
        static let policy = DurablePolicy.patient
        func run(_ context: TaskContext) async throws {
            let shop = try context.application(MarkedAfterCall.self).shop
            guard try !shop.write({ try Bool.fetchOne($0, sql: "SELECT count(*) FROM charged") ?? false })
            else { return }
            try shop.call("charge", key: shop.isRepaired ? context.taskID : nil)
            try shop.write { _ = try shop.insert("charged", in: $0) }
        }
    }
}

/// The row is written before the charge: the next attempt finds it, and does not charge.
struct MarkedBeforeCall: TaskFault {
    static let hasDatabase = true
    var shop = ShopParts()
    static let order = Charge()

    struct Charge: DurableTask {
        static let policy = DurablePolicy.patient
        func run(_ context: TaskContext) async throws {
            let shop = try context.application(MarkedBeforeCall.self).shop
            if shop.isRepaired { try shop.call("charge", key: context.taskID) }
            guard try shop.write({ try shop.insert("charged", in: $0) }) else { return }
            if !shop.isRepaired { try shop.call("charge", key: context.taskID) }
        }
    }
}

/// The task gives up when the provider does not answer once.
struct OneAttempt: PlantedFault {
    var shop = ShopParts()
    var handlers: Handlers { Handler("order", order) }
    var taskEngine: TaskEngine? {
        .durable {
            Charge.self
            PatientCharge.self
        }
    }

    func order(tasks: BackgroundTasks) throws -> Accepted<String> {
        if shop.isRepaired { try tasks.enqueue(PatientCharge()) } else { try tasks.enqueue(Charge()) }
        return Accepted("placed")
    }

    struct Charge: DurableTask {
        static let policy = DurablePolicy(retry: RetryPolicy(attempts: 1))
        func run(_ context: TaskContext) async throws {
            try context.application(OneAttempt.self).shop.call("charge", key: context.taskID)
        }
    }

    struct PatientCharge: DurableTask {
        static let policy = DurablePolicy.patient
        func run(_ context: TaskContext) async throws {
            try context.application(OneAttempt.self).shop.call("charge", key: context.taskID)
        }
    }
}

/// A task adds another one at once, and not by its own commit: its next attempt adds one more.
struct ChildOfEachAttempt: PlantedFault {
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
        return Accepted("placed")
    }

    struct Charge: DurableTask {
        static let policy = DurablePolicy.patient
        func run(_ context: TaskContext) async throws {
            let shop = try context.application(ChildOfEachAttempt.self).shop
            if shop.isRepaired {
                try context.enqueue(Receipt())
            } else {
                try context.durableTasks.enqueue(Receipt())
            }
            try shop.call("charge", key: context.taskID)
        }
    }

    struct Receipt: DurableTask {
        static let policy = DurablePolicy.patient
        func run(_ context: TaskContext) async throws {
            try context.application(ChildOfEachAttempt.self).shop.call("mail", key: context.taskID)
        }
    }
}

/// The cursor is saved before what it stands for is done.
struct CursorAhead: TaskFault {
    static let services = ["first", "second", "third"]
    var shop = ShopParts()
    static let order = SendAll()

    struct SendAll: DurableTask {
        static let policy = DurablePolicy.patient
        func run(_ context: TaskContext) async throws {
            let shop = try context.application(CursorAhead.self).shop
            let cursor = try context.cursor(from: 0, every: 1)
            while cursor.value < services.count {
                let index = cursor.value
                if !shop.isRepaired { try cursor.advance(to: index + 1) }
                try shop.call(services[index], key: context.taskID)
                if shop.isRepaired { try cursor.advance(to: index + 1) }
            }
        }
    }
}

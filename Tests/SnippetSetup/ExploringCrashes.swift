import GRDB
import Postlude
import PostludeDurable
import PostludeTesting
import Testing

protocol Payments: Sendable {
    func charge(_ order: Int, key: String?) throws
}

struct NoPayments: Payments {
    func charge(_ order: Int, key: String?) throws {}
}

struct Shop: Application {
    var payments: any Payments = NoPayments()
    var handlers: Handlers { Handlers([]) }
}

struct Ledger: Application {
    var database: any DatabaseWriter
    var handlers: Handlers { Handlers([]) }

    init() { fatalError() }
    init(database: any DatabaseWriter) { self.database = database }
}

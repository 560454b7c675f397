import Foundation
import Postlude
import PostludeTesting
import Testing

struct Notifications: Application {
    var handlers: Handlers { Handlers([]) }
}

struct Item: Codable, Sendable {
    var name: String
}

var app: TestApplication<Notifications> { fatalError() }

let png: [UInt8] = []

func countWords(_ letter: UploadedFile) throws -> Int { letter.size }

protocol Payments: Sendable {
    func charge(_ order: Int, key: String) throws
}

struct NoPayments: Payments {
    func charge(_ order: Int, key: String) throws {}
}

struct Shop: Application {
    var payments: any Payments = NoPayments()
    var handlers: Handlers { Handlers([]) }
}

struct TestPayments: Payments {
    let process: ExploredProcess
    func charge(_ order: Int, key: String) throws {}
}

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

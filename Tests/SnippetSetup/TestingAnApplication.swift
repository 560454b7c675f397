import Foundation
import Postlude
import PostludeTesting
import Testing

struct Shop: Application {
    var handlers: Handlers { Handlers([]) }
}

let manifest = ""

func countWords(_ letter: UploadedFile) throws -> Int {
    try letter.contents(limit: 1 << 20).split(separator: UInt8(ascii: " ")).count
}

import Foundation
import HTTPTypes
import Postlude
import PostludeTesting
import Testing

struct Shop: Application {
    var handlers: Handlers { Handlers([]) }
}

let manifest = ""

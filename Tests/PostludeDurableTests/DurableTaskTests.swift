import Postlude
import PostludeTesting
import Testing

@testable import PostludeDurable

import Postlude
import PostludeTesting
import Testing

struct Notifications: Application {
    var handlers: Handlers { Handlers([]) }
}

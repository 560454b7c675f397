import Postlude

struct Shop: Application {
    var handlers: Handlers { Handlers([]) }
}

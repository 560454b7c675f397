// expect: each parameter of a handler is an input: write Path<Int>
// expect: wrap a function with default arguments in a closure
// expect: conform the result's type to Encodable
// expect: capture of 'counter' with non-Sendable type 'Counter' in a '@Sendable' closure
import Postlude

struct Item {
    var id: Int
}

final class Counter {
    var count = 0
}

func show(id: Int) -> String { "item \(id)" }
func item(id: Path<Int>) -> Item { Item(id: id.value) }

func handlers() -> [Handler] {
    let counter = Counter()
    return [
        Handler("show", show),
        Handler("item", item),
        Handler("count") { () -> String in "\(counter.count)" },
    ]
}

import Postlude

func processData(_ itemID: Int, _ priority: String) {}
func audit(_ id: String) async throws {}

func handle(request: Request, tasks: BackgroundTasks) -> [String: String] {
    tasks.add(processData, 42, "high")
    let id = "\(request.id)"
    tasks.add(audit, id)
    tasks.add(named: "audit") { try await audit(id) }
    tasks.add { processData(42, "high") }
    return ["status": "processing"]
}

struct Item: Encodable {
    var id: Int
}

struct Options: InputFields {
    @Field var isOpen: Bool
    @Field(1...9) var number: Int
}

func show(id: Path<Int>) -> String { "item \(id.value)" }
func item(id: Path<Int>) -> Item { Item(id: id.value) }

let options = Options {
    $0.isOpen = true
    $0.number = 8
}

@main
struct Correct: Application {
    init() {}

    var handlers: Handlers {
        Handler("handle", handle)
        Handler("show", show)
        Handler("item", item)
    }
}

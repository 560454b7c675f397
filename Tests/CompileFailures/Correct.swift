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

@main
struct Correct: Application {
    init() {}

    var handlers: Handlers {
        Handler("handle", handle)
    }
}

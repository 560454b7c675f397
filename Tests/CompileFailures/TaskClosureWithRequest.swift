// expect: capture of 'request' with non-Sendable type 'Request'
import Postlude

func handle(request: Request, tasks: BackgroundTasks) -> [String: String] {
    tasks.add(named: "audit") { print(request.path) }
    return ["status": "processing"]
}

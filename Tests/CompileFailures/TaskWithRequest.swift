// expect: 'Request'
// expect: Sendable
import Postlude

func audit(_ request: Request) {}

func handle(request: Request, tasks: BackgroundTasks) -> [String: String] {
    tasks.add(audit, request)
    return ["status": "processing"]
}

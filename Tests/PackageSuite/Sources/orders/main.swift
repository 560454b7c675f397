import Celery
import Journal
import Linux
import Manifest
import PCRE
import Postlude
import PostludeCelery
import PostludeDurable
import PostludeTesting
import Routing
import Workers

struct Shop: Application {
    var handlers: Handlers {
        Handler("hello") { () in "hello" }
    }

    var taskEngine: TaskEngine? {
        .durable(through: .celery) {
            Charge.self
        }
    }
}

struct Charge: DurableTask {
    var order: Int

    func run(_ context: TaskContext) async throws {}
}

let modules = [Celery.name, Journal.name, Linux.name, Manifest.name, PCRE.name, Routing.name, Workers.name]
let manifest = """
    task-store: { path: /var/lib/application/tasks.sqlite }
    celery: { broker: amqp://localhost }
    routes: [{ path: /, method: GET, handler: hello }]
    """
let response = try await TestApplication(Shop(), manifest: manifest).send(.get("/"))
print("the orders of the application: \(response.status), \(modules.joined(separator: ", "))")

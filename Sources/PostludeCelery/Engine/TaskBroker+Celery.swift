internal import ArgumentParser
internal import FoundationEssentials
internal import Postlude
internal import PostludeBroker
public import PostludeDurable
internal import PostludeManifest

extension TaskBroker {
    /// The manifest's `celery.broker`, RabbitMQ or Redis, whose queues Celery's workers and the subcommand `work` consume.
    public static var celery: TaskBroker { TaskBroker(CeleryParts()) }
}

extension TaskExecution {
    /// Returns the execution of tasks by the workers of a queue: Celery's, which have a task with the kind's name and get
    /// the members of the kind as named arguments, and this program's own on any machine (`work --queue`).
    public static func celery(_ queue: String) -> TaskExecution { TaskExecution(queue: queue) }
}

struct CeleryParts: TaskBrokerParts {
    func problem(ofQueue name: String) -> String? { ContractViolation.problem(ofQueue: name) }

    func mistakes(in manifest: Manifest) -> [Diagnostic] {
        guard let celery = manifest.celery else { return [] }
        do throws(AddressMistake) {
            _ = try OpenCelery(celery)
            return []
        } catch {
            return [Diagnostic(location: error.location, message: error.description)]
        }
    }

    func check(_ task: OutgoingTask, for queue: String) throws {
        let message = try CeleryMessage(task)
        do throws(ContractViolation) {
            try message.amqpMessage(to: queue).check()
            try message.redisMessage(to: queue).check()
        } catch {
            throw TaskBrokerError(error)
        }
    }

    func open(_ manifest: Manifest) throws -> (any OpenTaskBroker)? {
        try manifest.celery.map { try OpenCelery($0) }
    }

    func commands<App: Application>(for application: App.Type) -> [any ParsableCommand.Type] {
        [WorkCommand<App>.self]
    }
}

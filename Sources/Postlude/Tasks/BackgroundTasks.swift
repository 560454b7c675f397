/// The tasks that run, on the same worker, after the response is finished.
///
/// A handler asks for them by a parameter of this type. Tasks run one after another in the order in which they were
/// added; one that throws is logged, and the next one runs. Adding is safe from every child task of the handler, and
/// from a task, whose additions come last.
///
/// ```swift
/// func process(item: Path<Item>, tasks: BackgroundTasks) -> [String: String] {
///     tasks.add(processData, item.id, "high")
///     tasks.add(named: "audit") { try await audit() }
///     return ["status": "processing"]
/// }
/// ```
///
/// An async task, too, runs on the worker's thread, also after an `await`. Only inside an actor that several requests
/// share may its code run on another worker's thread, the one that the actor works for at that moment; afterwards
/// the task is back on its own.
///
/// Swift asks for a closure around some functions: a synchronous `@MainActor` function
/// (`tasks.add { await count() }`), and one whose default arguments are wanted (`tasks.add { report(text) }`).
public struct BackgroundTasks: RequestInput, Sendable {
    private let queue: TaskQueue

    public init(request: Request) { queue = request.storage.tasks.queue(for: request) }

    /// Adds a function with its arguments.
    ///
    /// - Parameters:
    ///   - name: what the log calls the task; by default the place where it was added.
    ///   - function: called once, after the response is finished.
    ///   - arguments: `Sendable` values of its own, since the request is gone by then.
    public func add<each Argument: Sendable, Output>(
        named name: String? = nil, _ function: @escaping @Sendable (repeat each Argument) throws -> Output,
        _ arguments: repeat each Argument, fileID: StaticString = #fileID, line: UInt = #line
    ) {
        let name = name ?? "\(fileID):\(line)"
        queue.add(BackgroundTask(name: name, function: .sync { _ = try function(repeat each arguments) }))
    }

    /// Adds an async function with its arguments.
    ///
    /// - Parameters:
    ///   - name: what the log calls the task; by default the place where it was added.
    ///   - function: called once, after the response is finished.
    ///   - arguments: `Sendable` values of its own, since the request is gone by then.
    public func add<each Argument: Sendable, Output>(
        named name: String? = nil,
        _ function: @escaping @Sendable (repeat each Argument) async throws -> Output,
        _ arguments: repeat each Argument, fileID: StaticString = #fileID, line: UInt = #line
    ) {
        let name = name ?? "\(fileID):\(line)"
        queue.add(
            BackgroundTask(name: name, function: .async { _ = try await function(repeat each arguments) }))
    }
}

/// A task: a function with its arguments, queued by a handler.
struct BackgroundTask: Sendable {
    enum Function: Sendable {
        case sync(@Sendable () throws -> Void)
        case async(@Sendable () async throws -> Void)
    }

    let name: String
    let function: Function

    var isAsync: Bool {
        if case .async = function { true } else { false }
    }
}

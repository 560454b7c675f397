public import Postlude
internal import PostludeTaskStore

extension TaskContext {
    /// Takes a step of a durable task, unless an earlier attempt has taken it: then its kept result is returned, and `body` is not
    /// called.
    ///
    /// ```swift
    /// func run(_ context: TaskContext) async throws {
    ///     let receipt = try await context.step("charge") { try await provider.charge(order) }
    ///     try await context.step("mail") { try await mail.send(receipt, to: address, key: context.taskID) }
    /// }
    /// ```
    ///
    /// The result is on the disk before this returns, so that a later attempt continues after the step: also after `kill -9`, in
    /// another process and on another machine. It is kept as long as the task's record. If the process dies between the end of
    /// `body` and that, `body` is called once more: a step happens at least once. A step that throws keeps nothing.
    ///
    /// The steps of a task follow one another, in the same order in each attempt; a change of their order is logged. A closure
    /// without `await` makes the call synchronous, too: `try context.step("…") { … }`.
    ///
    /// - Parameters:
    ///   - name: differs from those of the task's other steps, of 1 to 200 bytes.
    ///   - isolation: the caller's.
    ///   - body: makes the result, of at most 256 KiB as JSON.
    /// - Throws: the error of `body`; ``TaskStepError``; an error if the task store cannot be written, or if another process has
    ///   taken the task over.
    @discardableResult
    public func step<Value: Codable>(
        _ name: String, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Value
    ) async throws -> Value {
        let steps = try steps()
        if let step = try steps.reach(name) { return try steps.value(Value.self, of: step) }
        let value = try await body()
        try steps.keep(value, as: name)
        return value
    }

    /// Takes a step without a result, unless an earlier attempt has taken it.
    @_disfavoredOverload
    public func step(
        _ name: String, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Void
    ) async throws {
        let steps = try steps()
        guard try steps.reach(name) == nil else { return }
        try await body()
        try steps.keep(NoValue(), as: name)
    }

    /// Takes a step in synchronous code.
    @discardableResult
    public func step<Value: Codable>(_ name: String, _ body: () throws -> Value) throws -> Value {
        let steps = try steps()
        if let step = try steps.reach(name) { return try steps.value(Value.self, of: step) }
        let value = try body()
        try steps.keep(value, as: name)
        return value
    }

    /// Takes a step without a result in synchronous code.
    @_disfavoredOverload
    public func step(_ name: String, _ body: () throws -> Void) throws {
        let steps = try steps()
        guard try steps.reach(name) == nil else { return }
        try body()
        try steps.keep(NoValue(), as: name)
    }

    /// Returns the cursor of a long loop, which is where an earlier attempt has saved it last.
    ///
    /// ```swift
    /// let cursor = try context.cursor(from: 0, every: 1_000)
    /// while let order = try nextOrder(after: cursor.value) {
    ///     try export(order)
    ///     try cursor.advance(to: order.id)
    /// }
    /// try cursor.save()
    /// ```
    ///
    /// What was done since the last save is done again after a crash.
    ///
    /// - Parameters:
    ///   - name: differs from those of the task's steps and other cursors.
    ///   - start: the value if none was saved.
    ///   - count: saves after this number of advances.
    ///   - interval: saves at an advance this time after the last save, even if there were fewer.
    /// - Throws: ``TaskStepError``; an error if the task store cannot be read.
    public func cursor<Value: Codable & Sendable>(
        _ name: String = "cursor", from start: Value, every count: Int = 100,
        or interval: Duration = .seconds(1)
    ) throws -> TaskCursor<Value> {
        let steps = try steps()
        let kept = try steps.reach(name).map { try steps.value(Value.self, of: $0) }
        return TaskCursor(name, of: steps, at: kept ?? start, every: count, or: interval)
    }

    /// Ends the attempt of a durable task, and continues it after a time, in any process: the worker is free meanwhile.
    ///
    /// ```swift
    /// try await context.step("welcome") { try await mail.send("Welcome", to: address, key: "welcome") }
    /// try await context.sleep(for: .days(7))
    /// try await context.step("review") { try await mail.send("How was it?", to: address, key: "review") }
    /// ```
    ///
    /// The next attempt comes here by the kept results of its steps, and passes. A sleep costs no attempt. It survives restarts. It
    /// throws an error to end the attempt, which the task must pass on; if it does not, the attempt ends at its next step, or
    /// when `run` returns.
    ///
    /// - Parameters:
    ///   - name: differs from those of the task's steps; nil for `sleep 1`, `sleep 2`, … in their order.
    ///   - duration: counted from the first time at which the task comes here.
    /// - Throws: the error that ends the attempt; ``TaskStepError``; an error if the task store cannot be written.
    public func sleep(_ name: String? = nil, for duration: Duration) async throws {
        try steps().sleep(name, for: duration)
    }

    /// Reports how far a durable task has come: for ``DurableTaskStatus/progress``, `tasks list` and the status by HTTP.
    ///
    /// Call it as often as you like: at most four reports a second are written, and the last one of the attempt in any case. For
    /// other tasks it does nothing.
    ///
    /// - Parameters:
    ///   - fraction: from 0 to 1.
    ///   - message: text for the reader, of which the first 200 characters are kept.
    public func progress(_ fraction: Double, _ message: String = "") {
        (storedTask as? LocalDurableTask)?.report(RecordProgress(fraction, message))
    }

    private func steps() throws -> TaskSteps {
        guard let task = storedTask as? LocalDurableTask else {
            throw TaskStepError.unavailable(task: taskName)
        }
        return try task.steps()
    }
}

/// What is kept of a step without a result.
private struct NoValue: Encodable {}

internal import PostludeSystem

/// Samples stacks in one round of the control thread, and limits their number.
struct StackReport {
    /// The number of stacks that may still be sampled: each needs a walk through the executable's symbols.
    private var left = 4

    /// Returns the stack of a thread as text for the log.
    ///
    /// - Parameter isWanted: returns whether the thread still runs the reported code.
    mutating func stack(of thread: SampledThread?, where isWanted: () -> Bool) -> String? {
        guard let thread else { return nil }
        guard left > 0 else { return "not taken, too many at once" }
        left -= 1
        let stack = thread.stack(where: isWanted)
        // The stack may belong to code that ran after the reported code.
        guard isWanted() else { return nil }
        switch stack {
        case .suspended: return "suspended (awaiting)"
        case .unknown: return "not available"
        case .frames(let addresses): return Self.text(FunctionNames.frames(of: addresses))
        }
    }

    /// Returns the functions, the innermost first, without those that have called the application, and without thunks.
    static func text(_ frames: [FunctionNames.Frame], limit: Int = 30) -> String {
        let called = frames.prefix { frame in !entries.contains(where: frame.symbol.hasPrefix) }
        let last = called.lastIndex { $0.isInExecutable && !isOurs($0.symbol) }
        let shown = (last.map { called[...$0] } ?? called).filter { frame in
            !thunks.contains(where: frame.function.hasPrefix)
        }
        guard !shown.isEmpty else { return "the application's code does not run" }
        let names = shown.prefix(limit).map { frame in
            frame.function.count > 200 ? "\(frame.function.prefix(200))…" : frame.function
        }
        return names.joined(separator: " < ") + (shown.count > limit ? " < …" : "")
    }

    /// The types that call the application's code: the mangled prefixes of Responder, TaskRunner and WorkerExecutor.
    static let entries = [
        "$s8Postlude9Responder", "$s8Postlude10TaskRunner", "$s15PostludeThreads14WorkerExecutor",
    ]
    private static let thunks = ["partial apply forwarder", "reabstraction thunk"]

    /// Whether a symbol belongs to this package, or to the code that starts a thread.
    private static func isOurs(_ symbol: String) -> Bool {
        let own = ["$s8Postlude", "$s15PostludeThreads", "$s14PostludeSystem", "main", "_start"]
        return symbol.isEmpty || own.contains(where: symbol.hasPrefix)
    }
}

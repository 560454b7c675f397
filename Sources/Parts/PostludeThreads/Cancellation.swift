/// Cancels async code for threads that must not wait for it, on a thread of its own that is started when it is first
/// needed.
///
/// Cancellation handlers (`withTaskCancellationHandler`) run before `cancel` returns. They are the application's code,
/// and may take long.
package enum Cancellation {
    /// The thread, which is started on first use; nil if the system had no room for another one.
    private static let thread = try? SerialThread(name: "cancellation")

    /// Calls `cancel` on that thread; on the calling thread if there is none.
    package static func request(_ cancel: @escaping @Sendable () -> Void) {
        guard let thread else { return cancel() }
        thread.enqueue(cancel)
    }
}

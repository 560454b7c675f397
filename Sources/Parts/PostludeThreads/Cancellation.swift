/// Where async code is cancelled for a thread that must not wait for it: on a thread of its own, which is started when
/// there is something to cancel.
///
/// What such code does when it is cancelled (`withTaskCancellationHandler`) runs before `cancel` returns. It is the
/// application's, and may take long.
package enum Cancellation {
    /// nil if there was no room for another thread.
    private static let thread = try? SerialThread(name: "cancellation")

    /// Calls `cancel` soon.
    package static func request(_ cancel: @escaping @Sendable () -> Void) {
        guard let thread else { return cancel() }
        thread.enqueue(cancel)
    }
}

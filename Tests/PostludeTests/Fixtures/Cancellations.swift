import PostludeThreads

/// Returns when the cancellations that were asked for before have been made.
func cancellationsAreMade() async {
    await withCheckedContinuation { continuation in Cancellation.request { continuation.resume() } }
}

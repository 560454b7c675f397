import PostludeThreads

/// Returns when all cancellations requested so far have been made.
func cancellationsAreMade() async {
    await withCheckedContinuation { continuation in Cancellation.request { continuation.resume() } }
}

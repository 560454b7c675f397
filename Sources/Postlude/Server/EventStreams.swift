internal import PostludeFastCGI
internal import PostludeSystem
internal import PostludeThreads

/// The event streams of a process that hold no worker, and the thread that serves them.
final class EventStreams: Sendable {
    private let responses: ParkedResponses
    private let thread = Lock<WorkerThread?>(nil)

    init(of poller: Poller) throws(SystemError) { responses = try ParkedResponses(of: poller) }

    /// The number of streams that are open, or about to be.
    var count: Int { responses.count }

    /// Reserves a place for one stream. The thread starts with the first one.
    ///
    /// - Returns: false if there are `limit` already.
    /// - Throws: if the thread cannot be started.
    func reserve(atMost limit: Int) throws(ThreadError) -> Bool {
        guard responses.reserve(atMost: limit) else { return false }
        do throws(ThreadError) {
            try thread.withLock { thread throws(ThreadError) in
                if thread == nil {
                    thread = try WorkerThread(name: "events") { [responses] in
                        ParkedResponseLoop(responses).run()
                    }
                }
            }
            return true
        } catch {
            release()
            throw error
        }
    }

    /// Releases a place that is not needed.
    func release() { responses.release() }

    /// Takes a stream whose head is written, and its connection.
    func park(_ response: ParkedResponse) { responses.park(response) }

    /// Ends all streams, and each that is opened later. Their clients connect again.
    ///
    /// - Parameter time: how long to try to hand them over to other processes; nil if there are none.
    func end(handingOverFor time: Duration?) { responses.end(handingOverFor: time) }

    /// Stops the thread, after the last worker has ended.
    func stop() {
        let started = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        guard let started else { return }
        responses.stop()
        started.join()
    }
}

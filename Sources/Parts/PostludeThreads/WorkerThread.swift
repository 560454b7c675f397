import Glibc
import PostludeSystem

/// A POSIX thread that runs one function to its end.
///
/// It inherits the signal mask of the thread that starts it: asynchronous signals are blocked before the first thread
/// is started, so that none cuts a write of libfcgi short.
package struct WorkerThread: Sendable {
    private final class Start {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    private let handle: pthread_t

    /// - Parameter name: the name that debuggers and `top -H` show.
    /// - Throws: the error number of `pthread_create`: EAGAIN if the system has no room for another thread.
    package init(name: String, _ body: @escaping @Sendable () -> Void) throws(ThreadError) {
        var handle = pthread_t()
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        let result = pthread_create(
            &handle, nil,
            { argument in
                // pthread_create passes the pointer given below, which is never null.
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                nameThread(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        guard result == 0 else {
            start.release()
            throw ThreadError(errno: result)
        }
        self.handle = handle
    }

    /// Waits until the thread has ended. Must be called only once.
    package func join() { pthread_join(handle, nil) }

    /// Detaches the thread: it cannot be joined.
    package func detach() { pthread_detach(handle) }
}

package struct ThreadError: Error, CustomStringConvertible {
    package let errno: Int32

    package var description: String {
        let reason = strerror(errno).map { String(cString: $0) } ?? "unknown error"
        return "pthread_create: \(reason) (errno \(errno)); lower workers.max, or raise the limit of threads"
    }
}

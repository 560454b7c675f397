import Glibc

/// A failed system call: the call, its subject, and the kernel's reason.
package struct SystemError: Error, CustomStringConvertible {
    /// The call and its subject, such as `bind(/run/app.sock)`.
    package let operation: String
    package let errno: Int32
    /// What the user can do about it; nil if unknown.
    package let advice: String?

    /// - Parameter errno: the error number; by default the calling thread's last one.
    package init(_ operation: String, errno: Int32 = Glibc.errno, advice: String? = nil) {
        self.operation = operation
        self.errno = errno
        self.advice = advice
    }

    package var description: String {
        let reason = strerror(errno).map { String(cString: $0) } ?? "unknown error"
        return "\(operation): \(reason) (errno \(errno))" + (advice.map { "; \($0)" } ?? "")
    }
}

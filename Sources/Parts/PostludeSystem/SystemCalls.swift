internal import CPostludeLinux
import Glibc

/// Calls `accept4(2)` with SOCK_CLOEXEC, and stores the peer's `sockaddr` in `address`.
///
/// - Returns: the connection's descriptor; -1 on an error, with `errno`.
package func acceptConnection(on listener: Int32, peer address: UnsafeMutableRawBufferPointer) -> Int32 {
    var length = UInt32(clamping: address.count)
    return clinux_accept4(
        listener, address.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length,
        Int32(SOCK_CLOEXEC.rawValue))
}

/// Makes a pipe whose ends do not block, with room for at least `capacity` bytes (`pipe2(2)`).
package func makePipe(capacity: Int32) throws(SystemError) -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    guard clinux_pipe2(&ends, O_NONBLOCK | O_CLOEXEC) == 0 else { throw SystemError("pipe2") }
    guard clinux_set_pipe_size(ends[1], capacity) >= capacity else {
        let error = SystemError(
            "fcntl(F_SETPIPE_SZ, \(capacity))", advice: "raise /proc/sys/fs/pipe-user-pages-soft")
        close(ends[0])
        close(ends[1])
        throw error
    }
    return (ends[0], ends[1])
}

/// Writes all bytes to a file. Continues after a signal, and after a write of a part of them.
///
/// - Parameters:
///   - operation: the operation that an error names.
///   - write: `write(2)`, unless a test replaces it.
func writeAll(
    _ bytes: Span<UInt8>, to descriptor: Int32, for operation: String,
    using write: (Int32, UnsafeRawPointer?, Int) -> Int = Glibc.write
) throws(SystemError) {
    var start = 0
    while start < bytes.count {
        let count = bytes.extracting(start...).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count != 0 else {
            // Not a failure of the call, so that errno is that of an earlier one. Another attempt could go on for ever.
            throw SystemError(operation, errno: EIO)
        }
        guard count > 0 else { throw SystemError(operation) }
        start += count
    }
}

/// Makes `descriptor` a duplicate of `other` that is closed on exec (`dup3(2)`).
package func replaceDescriptor(_ descriptor: Int32, by other: Int32) throws(SystemError) {
    guard clinux_dup3(other, descriptor, O_CLOEXEC) >= 0 else { throw SystemError("dup3(\(descriptor))") }
}

/// The calling thread's name.
package var threadName: String {
    var name = [CChar](repeating: 0, count: 16)
    clinux_thread_name(&name, name.count)
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}

/// Names the calling thread for debuggers and `top -H`; the kernel keeps 15 bytes.
package func nameThread(_ name: String) {
    clinux_name_thread(String(name.prefix(15)))
}

/// Names this process for `ps` and `pgrep`; the kernel keeps 15 bytes.
///
/// Sets the name of the main thread, whichever thread calls this.
package func nameProcess(_ name: String) {
    let file = open("/proc/self/comm", O_WRONLY | O_CLOEXEC)
    // Without /proc, the process keeps the name of its file.
    guard file >= 0 else { return }
    defer { close(file) }
    let bytes = Array(name.utf8.prefix(15))
    _ = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
}

/// Waits until one of the descriptors is readable.
///
/// - Parameter milliseconds: how long to wait; -1 for no limit.
package func waitForInput(_ descriptors: [Int32], milliseconds: Int32) {
    var polled = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    // The callers check what has ended the wait.
    _ = poll(&polled, nfds_t(polled.count), milliseconds)
}

/// Raises the limit of open descriptors to the hard limit.
package func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

/// Whether a descriptor can be read without blocking.
package func isReadable(_ descriptor: Int32) -> Bool {
    var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&polled, 1, 0) == 1
}

/// The number of processors that are online.
package var onlineProcessors: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

/// Makes standard output line-buffered even if it is a file or a pipe, so that printed lines are not lost in a crash.
/// Called before anything is printed.
package func bufferOutputByLines() { _ = clinux_buffer_output_by_lines() }

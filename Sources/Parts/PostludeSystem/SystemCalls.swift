internal import CPostludeLinux
import Glibc

/// `accept4(2)` with SOCK_CLOEXEC; the peer's `sockaddr` goes to `address`.
package func acceptConnection(on listener: Int32, peer address: UnsafeMutableRawBufferPointer) -> Int32 {
    var length = UInt32(clamping: address.count)
    return clinux_accept4(
        listener, address.baseAddress?.assumingMemoryBound(to: sockaddr.self), &length,
        Int32(SOCK_CLOEXEC.rawValue))
}

/// `pipe2(2)`, neither end of which blocks, with room for at least `capacity` bytes.
package func makePipe(capacity: Int32) throws(SystemError) -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    guard clinux_pipe2(&ends, O_NONBLOCK | O_CLOEXEC) == 0 else { throw SystemError("pipe2") }
    guard clinux_set_pipe_size(ends[1], capacity) >= capacity else {
        let error = SystemError(
            "fcntl(F_SETPIPE_SZ, \(capacity))",
            advice: "lower limits.head, or raise /proc/sys/fs/pipe-max-size and pipe-user-pages-soft")
        close(ends[0])
        close(ends[1])
        throw error
    }
    return (ends[0], ends[1])
}

/// Makes `descriptor` another name of what `other` stands for; it ends with an `execve` (`dup3(2)`).
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
/// It is the name of the main thread, whichever thread calls.
package func nameProcess(_ name: String) {
    let file = open("/proc/self/comm", O_WRONLY | O_CLOEXEC)
    // Without /proc it keeps the name of its file.
    guard file >= 0 else { return }
    defer { close(file) }
    let bytes = Array(name.utf8.prefix(15))
    _ = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
}

/// Waits until one of the descriptors can be read.
///
/// - Parameter milliseconds: how long to wait; -1 for ever.
package func waitForInput(_ descriptors: [Int32], milliseconds: Int32) {
    var polled = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    // Whatever ended the wait, the callers look for themselves.
    _ = poll(&polled, nfds_t(polled.count), milliseconds)
}

/// Lets the process open as many descriptors as its hard limit allows, as servers do.
package func raiseDescriptorLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

/// Whether one of a descriptor's events can be taken at once.
package func isReadable(_ descriptor: Int32) -> Bool {
    var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&polled, 1, 0) == 1
}

/// How many processors this process may use at once.
package var onlineProcessors: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

/// Has each line that the program prints written at once, also where standard output is a file or a pipe: what a program
/// has printed is not lost when it crashes. Called before anything is printed.
package func bufferOutputByLines() { _ = clinux_buffer_output_by_lines() }

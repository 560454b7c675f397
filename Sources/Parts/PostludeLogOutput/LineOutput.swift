internal import Glibc
internal import PostludeSystem

/// Writes whole lines to a descriptor, from any thread.
///
/// One thread at a time writes; the others add their lines to a buffer and do not wait. So a hanging disk blocks only one
/// thread, and a line is normally written before its thread continues, so that a crash does not lose it. Pipes and sockets
/// are written to without blocking.
final class LineOutput: Sendable {
    private struct State {
        /// Whole lines, except that the beginning of the first one may be written already.
        var pending: [UInt8] = []
        var isWriting = false
        /// Whether an error has cut the last line, so that a newline must precede the next one.
        var isTorn = false
    }

    /// The largest number of pending bytes. Further lines are lost.
    private static let limit = 1 << 20
    /// The time after which a thread stops writing the lines of others. Other threads, or the control thread, continue.
    private static let longestTurn = Duration.milliseconds(20)
    /// The number of bytes for which a writable pipe has room.
    private static let pipeRoom = 4096

    private let descriptor: Int32
    private let isClosing: Bool
    private let isPollable: Bool
    private let isSocket: Bool
    private let losses: LogLosses
    private let state = Lock(State())

    /// - Parameter isClosing: whether the descriptor is closed with this object.
    init(_ descriptor: Int32, closing isClosing: Bool, losses: LogLosses) {
        self.losses = losses
        var status = stat()
        let type = fstat(descriptor, &status) == 0 ? status.st_mode & S_IFMT : S_IFREG
        isPollable = type != S_IFREG
        isSocket = type == S_IFSOCK
        let own = type == S_IFIFO ? Self.reopened(descriptor) : -1
        self.descriptor = own >= 0 ? own : descriptor
        self.isClosing = isClosing || own >= 0
        if isClosing, own >= 0 { close(descriptor) }
    }

    /// Opens a pipe again, without blocking and with separate file status flags. Several processes write to standard error, so
    /// a pipe that had room at poll(2) may have none at write(2), which would block the thread until the reader continues.
    ///
    /// - Returns: -1 if that is not possible, for example because the pipe is another user's.
    private static func reopened(_ pipe: Int32) -> Int32 {
        open("/proc/self/fd/\(pipe)", O_WRONLY | O_NONBLOCK | O_CLOEXEC)
    }

    deinit {
        if isClosing { close(descriptor) }
    }

    /// Adds lines to the buffer, and writes it unless another thread does.
    ///
    /// - Parameter lines: lines with their newlines.
    func write(_ lines: [UInt8]) {
        let isKept = state.withLock { state in
            guard state.pending.count + lines.count <= Self.limit else { return false }
            state.pending += lines
            return true
        }
        // The error of a socket whose reader is too slow.
        if !isKept { losses.count(ENOBUFS) }
        drain()
    }

    /// Replaces the file under the same descriptor number, so that other users of the number need no change.
    func replace(by file: Int32) throws(SystemError) {
        try replaceDescriptor(descriptor, by: file)
    }

    func flush(within milliseconds: Int32) {
        let end = MonotonicTime.now + .milliseconds(Int64(milliseconds))
        drain()
        while state.withLock({ !$0.pending.isEmpty && !$0.isWriting }), .now < end {
            _ = takesOutput(within: 10)
            drain()
        }
    }

    /// Writes the pending lines, unless another thread does.
    private func drain() {
        let end = MonotonicTime.now + Self.longestTurn
        while let batch = takePending() {
            let (written, errno) = write(batch[...])
            let rest = batch[written...]
            switch errno {
            case 0: losses.clear()
            case EAGAIN: break
            case let errno: losses.count(errno, lines: rest.count { $0 == UInt8(ascii: "\n") })
            }
            state.withLock { state in
                state.isWriting = false
                if errno == EAGAIN {
                    state.pending.insert(contentsOf: rest, at: 0)
                } else {
                    state.isTorn =
                        errno != 0 && (written > 0 ? batch[written - 1] != UInt8(ascii: "\n") : state.isTorn)
                }
            }
            guard errno == 0, .now < end else { return }
        }
    }

    private func takePending() -> [UInt8]? {
        state.withLock { state in
            guard !state.isWriting, !state.pending.isEmpty else { return nil }
            state.isWriting = true
            let batch = (state.isTorn ? [UInt8(ascii: "\n")] : []) + state.pending
            state.pending = []
            return batch
        }
    }

    /// - Returns: the number of written bytes, and the error that ended the write, or 0. After EAGAIN, the rest can be written
    ///   later.
    private func write(_ batch: ArraySlice<UInt8>) -> (Int, Int32) {
        var rest = batch
        while !rest.isEmpty {
            if isPollable, !takesOutput(within: 0) { return (batch.count - rest.count, EAGAIN) }
            let piece = isPollable ? Self.piece(of: rest) : rest
            let written = piece.withUnsafeBytes { bytes in
                isSocket
                    ? send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
                    : Glibc.write(descriptor, bytes.baseAddress, bytes.count)
            }
            guard written > 0 else {
                if written < 0, errno == EINTR { continue }
                // A write of no bytes is not a failure, and sets no errno. Another attempt could go on for ever.
                return (batch.count - rest.count, written == 0 ? EIO : errno)
            }
            rest = rest.dropFirst(written)
        }
        return (batch.count, 0)
    }

    /// Returns as many whole lines as a pipe has room for, or the beginning of a longer line.
    private static func piece(of rest: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let piece = rest.prefix(pipeRoom)
        guard let end = piece.lastIndex(of: UInt8(ascii: "\n")) else { return piece }
        return piece[...end]
    }

    /// Whether a write would not block. True also after an error, which the write then reports.
    private func takesOutput(within milliseconds: Int32) -> Bool {
        var polled = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&polled, 1, milliseconds) != 0
    }
}

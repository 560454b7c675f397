internal import Glibc
internal import PostludeSystem

/// Writes whole lines to a descriptor, from any thread.
///
/// One thread at a time writes; the others leave their lines to it and go on. So a disk that hangs holds one thread, and
/// a line is written when the process crashes right after it. A pipe or a socket gets only what it takes at once.
final class LineOutput: Sendable {
    private struct State {
        /// Whole lines, but for the first one's beginning, that may have been written.
        var pending: [UInt8] = []
        var isWriting = false
        /// A line was cut by an error: the next one must not continue it.
        var isTorn = false
    }

    /// Bytes that wait for the one who writes; lines above are lost.
    private static let limit = 1 << 20
    /// How long one thread writes for others; they, or the control thread, go on.
    private static let patience = Duration.milliseconds(20)
    /// A pipe that can be written has room for so many bytes.
    private static let pipeRoom = 4096

    private let descriptor: Int32
    private let isClosing: Bool
    private let isPollable: Bool
    private let isSocket: Bool
    private let losses: LogLosses
    private let state = Lock(State())

    /// - Parameter isClosing: whether the descriptor ends with this object.
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

    /// The same pipe, with flags of its own. Several processes write to standard error: what a pipe had room for a
    /// moment ago may block now, and hold the thread until its reader goes on.
    ///
    /// - Returns: -1 where that cannot be, as with another user's pipe.
    private static func reopened(_ pipe: Int32) -> Int32 {
        open("/proc/self/fd/\(pipe)", O_WRONLY | O_NONBLOCK | O_CLOEXEC)
    }

    deinit {
        if isClosing { close(descriptor) }
    }

    /// - Parameter lines: with their newlines.
    func write(_ lines: [UInt8]) {
        let isKept = state.withLock { state in
            guard state.pending.count + lines.count <= Self.limit else { return false }
            state.pending += lines
            return true
        }
        // What a socket says whose reader is too slow.
        if !isKept { losses.count(ENOBUFS) }
        drain()
    }

    /// Writes to another file from now on, under the same number: no other holder has to be told.
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

    /// Writes what waits, unless another thread does.
    private func drain() {
        let end = MonotonicTime.now + Self.patience
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

    /// - Returns: how many bytes were written, and the error that ended it: EAGAIN when more can be written later.
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
            guard written >= 0 else {
                if errno == EINTR { continue }
                return (batch.count - rest.count, errno)
            }
            rest = rest.dropFirst(written)
        }
        return (batch.count, 0)
    }

    /// As many lines as a pipe takes at once; of a longer line its beginning.
    private static func piece(of rest: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let piece = rest.prefix(pipeRoom)
        guard let end = piece.lastIndex(of: UInt8(ascii: "\n")) else { return piece }
        return piece[...end]
    }

    /// Whether a write would not block; an error is one that the write itself will tell.
    private func takesOutput(within milliseconds: Int32) -> Bool {
        var polled = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return poll(&polled, 1, milliseconds) != 0
    }
}

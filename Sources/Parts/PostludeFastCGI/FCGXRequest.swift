internal import CPostludeFastCGI
import Glibc
package import PostludeSystem

/// The libfcgi request of one worker, used for one connection after another.
///
/// libfcgi reads only a BEGIN_REQUEST record and an empty PARAMS stream, from a pipe of the worker: no byte of the peer
/// reaches it. It writes STDOUT and END_REQUEST to the connection. BEGIN_REQUEST always has FCGI_KEEP_CONN set, so that
/// `FCGX_Finish_r` neither closes nor lingers: the poller then does what the web server has asked for.
package final class FCGXRequest {
    /// libfcgi's request. It is on the heap, because libfcgi's streams keep its address.
    private let request: UnsafeMutablePointer<FCGX_Request>
    private var pipe: (read: Int32, write: Int32) = (-1, -1)
    /// What libfcgi reads of a request, with its id: most web servers use one id only.
    private var records = FCGXRequest.records(of: 1)
    /// Bytes of STDOUT that libfcgi has taken for the current request.
    package private(set) var bytesWritten = 0

    /// Initialises libfcgi once for the process, without the signal handlers that it would install; false if that
    /// fails.
    package static let initialized: Bool = {
        let saved = [SIGTERM, SIGUSR1].map { number in
            var action = sigaction()
            sigaction(number, nil, &action)
            return (number, action)
        }
        // A write to a closed socket must just fail; libfcgi's own handler lacks SA_RESTART.
        signal(SIGPIPE, SIG_IGN)
        defer {
            for (number, action) in saved {
                var action = action
                sigaction(number, &action, nil)
            }
        }
        return FCGX_Init() == 0
    }()

    package init() throws(SystemError) {
        guard Self.initialized else { throw SystemError("FCGX_Init") }
        request = .allocate(capacity: 1)
        FCGX_InitRequest(request, -1, 0)
        try openPipe()
    }

    deinit {
        closePipe()
        request.deallocate()
    }

    /// Lets libfcgi begin a request with this id, and write to `descriptor` from now on.
    package func begin(_ id: UInt16, on descriptor: Int32) throws(SystemError) {
        bytesWritten = 0
        if records.id != id { records = Self.records(of: id) }
        let written = records.bytes.withUnsafeBytes { Glibc.write(pipe.write, $0.baseAddress, $0.count) }
        guard written == records.bytes.count else {
            let error = SystemError("write(a request to libfcgi)")
            try reopenPipe()
            throw error
        }
        request.pointee.ipcFd = pipe.read
        request.pointee.keepConnection = 1
        let result = FCGX_Accept_r(request)
        guard result == 0 else {
            // libfcgi has closed the pipe's end that it had; the connection is not affected.
            pipe.read = -1
            try reopenPipe()
            throw SystemError("FCGX_Accept_r (\(result))", errno: EPROTO)
        }
        request.pointee.ipcFd = descriptor
        // The close after a write error must not wait for the peer.
        FCGX_Detach(request)
    }

    /// Appends bytes to STDOUT.
    ///
    /// - Returns: false when the web server takes no more.
    package func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            // FCGX_PutStr counts in Int32.
            let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
            let start = piece.baseAddress?.assumingMemoryBound(to: CChar.self)
            guard FCGX_PutStr(start, Int32(truncatingIfNeeded: piece.count), request.pointee.out) >= 0 else {
                return false
            }
            rest = rest.dropFirst(piece.count)
            bytesWritten += piece.count
        }
        return true
    }

    /// Sends buffered output.
    ///
    /// - Returns: false if the web server takes no more.
    package func flush() -> Bool { FCGX_FFlush(request.pointee.out) == 0 }

    /// Writes buffered output, the end of STDOUT and END_REQUEST: the moment of finish.
    ///
    /// - Returns: whether the descriptor is still open. After a write error libfcgi has closed it, and its number may
    ///   already belong to another connection.
    package func finish() -> Bool {
        FCGX_Finish_r(request)
        let isOpen = request.pointee.ipcFd >= 0
        request.pointee.ipcFd = -1
        return isOpen
    }

    /// Ends the request without END_REQUEST, because the response is incomplete and the web server must detect that.
    /// The caller must then close the connection.
    ///
    /// Closing alone is not enough. Without a Content-Length, nginx takes a close for the end of the response, and also an
    /// END_REQUEST with any status (1.22, unbuffered or with `fastcgi_keep_conn off`), but never bytes that are not a
    /// record.
    ///
    /// - Returns: false if libfcgi has closed the descriptor already, after a write error.
    package func breakOff() -> Bool {
        let descriptor = request.pointee.ipcFd
        if descriptor >= 0 {
            let version0 = [UInt8](repeating: 0, count: RecordHeader.byteCount)
            // If this fails, the connection is broken anyway.
            _ = version0.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        }
        FCGX_Free(request, 0)
        request.pointee.ipcFd = -1
        return descriptor >= 0
    }

    /// Ends the request without writing. Another thread has answered it, or writes the rest of the response; the worker no
    /// longer holds the connection.
    package func abandon() {
        FCGX_Free(request, 0)
        request.pointee.ipcFd = -1
    }

    /// Makes a BEGIN_REQUEST record and an empty PARAMS record (FastCGI specification, 5.1 and 5.2).
    private static func records(of id: UInt16) -> (id: UInt16, bytes: [UInt8]) {
        var bytes: [UInt8] = []
        RecordHeader(type: .beginRequest, requestID: id, contentLength: 8).write(to: &bytes)
        bytes += [0, 1, 1, 0, 0, 0, 0, 0]  // responder, FCGI_KEEP_CONN
        RecordHeader(type: .params, requestID: id, contentLength: 0).write(to: &bytes)
        return (id, bytes)
    }

    private func reopenPipe() throws(SystemError) {
        closePipe()
        try openPipe()
    }

    /// Opens the pipe. Neither end blocks: if libfcgi wanted more than it gets, it would fail instead of waiting for ever.
    private func openPipe() throws(SystemError) {
        pipe = try makePipe(capacity: 4096)
    }

    private func closePipe() {
        if pipe.read >= 0 { close(pipe.read) }
        if pipe.write >= 0 { close(pipe.write) }
        pipe = (-1, -1)
    }
}

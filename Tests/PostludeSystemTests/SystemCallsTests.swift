import Foundation
import Testing

@testable import PostludeSystem

@Suite("System calls")
struct SystemCallsTests {
    @Test("A pipe has the requested size, and neither end blocks")
    func pipe() throws {
        let (reading, writing) = try makePipe(capacity: 100_000)
        defer {
            close(reading)
            close(writing)
        }
        var byte: UInt8 = 0
        #expect(read(reading, &byte, 1) == -1 && errno == EAGAIN)
        let bytes = [UInt8](repeating: 0, count: 200_000)
        let taken = write(writing, bytes, bytes.count)
        #expect(taken >= 100_000 && taken < bytes.count)
        for end in [reading, writing] { #expect(fcntl(end, F_GETFD) & FD_CLOEXEC != 0) }
    }

    @Test("A pipe over the kernel's limit is an error that says what to do")
    func largePipe() {
        // Root may have any size below 2 GiB, the largest that fits the argument.
        let error = #expect(throws: SystemError.self) { try makePipe(capacity: .max) }
        #expect(error?.description.contains("raise /proc/sys/fs/pipe-user-pages-soft") == true)
    }

    @Test("All bytes are written, in spite of signals and of writes of a part")
    func writing() throws {
        var (written, calls) = ([UInt8](), 0)
        let bytes = [UInt8](0..<100)
        try writeAll(bytes.span, to: -1, for: "write") { _, start, count in
            calls += 1
            guard calls % 2 == 0 else {
                errno = EINTR
                return -1
            }
            let part = min(count, 30)
            written += UnsafeRawBufferPointer(start: start, count: part)
            return part
        }
        #expect(written == bytes && calls == 8)
    }

    @Test("A write of no bytes is an error, whatever errno an earlier call has left", arguments: [EINTR, 0])
    func writingNothing(stale: Int32) {
        let bytes: [UInt8] = [1]
        var calls = 0
        let error = #expect(throws: SystemError.self) {
            try writeAll(bytes.span, to: -1, for: "write") { _, _, _ in
                calls += 1
                errno = calls < 3 ? stale : ENOSPC
                return calls < 3 ? 0 : -1
            }
        }
        #expect(error?.errno == EIO && calls == 1)
    }

    @Test("A descriptor stands for another file, and ends with an execve")
    func replacing() throws {
        let (first, second) = (try CapturedOutput(), try CapturedOutput())
        let descriptor = dup(first.descriptor)
        defer { close(descriptor) }
        try replaceDescriptor(descriptor, by: second.descriptor)
        #expect(FileIdentity(descriptor: descriptor) == FileIdentity(descriptor: second.descriptor))
        #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
        #expect(throws: SystemError.self) { try replaceDescriptor(descriptor, by: -1) }
    }

    @Test("A thread's name is the part that the kernel keeps")
    func names() async {
        let name = await withCheckedContinuation { continuation in
            Thread {
                nameThread("a name of more than 15 bytes")
                continuation.resume(returning: threadName)
            }.start()
        }
        #expect(name == "a name of more ")
    }

    @Test("Input ends a wait, and remains without one")
    func waiting() throws {
        let pair = try SocketPair()
        waitForInput([pair.first], milliseconds: 0)
        #expect(!isReadable(pair.first))
        #expect(write(pair.second, "a", 1) == 1)
        waitForInput([pair.second, pair.first], milliseconds: -1)
        #expect(isReadable(pair.first))
    }

    @Test("There is a processor")
    func processors() { #expect(onlineProcessors >= 1) }
}

import Foundation
import PostludeSystem
import Testing

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
        #expect(error?.description.contains("lower limits.head") == true)
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

import Foundation
import PostludeSystem
import Testing

@testable import PostludeLogOutput

@Suite("LineOutput", .timeLimit(.minutes(10)))
final class LineOutputTests {
    private let path = FileManager.default.temporaryDirectory.appendingPathComponent("lines-\(UUID())").path

    deinit { unlink(path) }

    private func output(_ flags: Int32 = 0, losses: LogLosses = LogLosses()) throws -> LineOutput {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0o600)
        try #require(descriptor >= 0)
        return LineOutput(descriptor, closing: true, losses: losses)
    }

    private func line(_ text: String) -> [UInt8] { Array("\(text)\n".utf8) }

    private var text: String { get throws { try String(contentsOfFile: path, encoding: .utf8) } }

    @Test("several writers of one file do not overwrite each other")
    func appending() throws {
        let (first, second) = (try output(), try output())
        for number in 0..<10 { (number.isMultiple(of: 2) ? first : second).write(line("\(number)")) }
        #expect(try text == (0..<10).map { "\($0)\n" }.joined())
    }

    @Test("lines of many threads stay whole, and all of them are written in the end")
    func concurrency() async throws {
        let losses = LogLosses()
        let output = try output(losses: losses)
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<8 {
                group.addTask {
                    let line = Array((String(repeating: "\(number)", count: 500) + "\n").utf8)
                    for _ in 0..<200 { output.write(line) }
                }
            }
        }
        output.flush(within: 10_000)
        let lines = try text.split(separator: "\n")
        #expect(lines.count == 1600)
        #expect(lines.allSatisfy { $0.count == 500 && Set($0).count == 1 })
        #expect(losses.take() == nil)
    }

    @Test("a full disk loses lines; the output counts them and reports why")
    func fullDisk() throws {
        let losses = LogLosses()
        let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
        try #require(full >= 0)
        let output = LineOutput(full, closing: true, losses: losses)
        for _ in 0..<3 { output.write(line("x")) }
        #expect(losses.isFailing)
        let lost = try #require(losses.take())
        #expect(lost == (3, ENOSPC))
        #expect(losses.take() == nil)
    }

    @Test("a closed pipe loses lines, and does not kill the process")
    func brokenPipe() throws {
        signal(SIGPIPE, SIG_IGN)
        let losses = LogLosses()
        let pipe = try makePipe(capacity: 4096)
        close(pipe.read)
        let output = LineOutput(pipe.write, closing: true, losses: losses)
        output.write(line("x"))
        #expect(try #require(losses.take()) == (1, EPIPE))
    }

    @Test("a pipe whose reader is slow delays no caller; the lines follow later, up to a bound")
    func slowPipe() throws {
        let losses = LogLosses()
        var ends: [Int32] = [-1, -1]
        // Its ends block, like standard error's.
        try #require(pipe(&ends) == 0)
        let output = LineOutput(ends[1], closing: true, losses: losses)
        let sent = 3 << 20
        for number in 0..<(sent / 1024) {
            output.write(line(String(repeating: "x", count: 1017) + String(100_000 + number)))
        }
        let lost = try #require(losses.take())
        #expect(lost.errno == ENOBUFS)
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while isReadable(ends[0]) {
            let count = read(ends[0], &buffer, buffer.count)
            guard count > 0 else { break }
            received += buffer.prefix(count)
            output.flush(within: 0)
        }
        close(ends[0])
        let lines = received.split(separator: 10)
        #expect(lines.allSatisfy { $0.count == 1023 })
        #expect(lines.count + lost.count == sent / 1024)
        #expect(lines.count >= 1024)
    }

    @Test("several writers of one pipe with a slow reader do not wait for it", .timeLimit(.minutes(10)))
    func sharedPipe() throws {
        let line = line(String(repeating: "x", count: 4000))
        for _ in 0..<300 {
            var ends: [Int32] = [-1, -1]
            try #require(pipe(&ends) == 0)
            let outputs = (0..<4).map { _ in LineOutput(ends[1], closing: false, losses: LogLosses()) }
            DispatchQueue.concurrentPerform(iterations: outputs.count) { index in
                for _ in 0..<12 { outputs[index].write(line) }
            }
            for end in ends { close(end) }
        }
    }
}

import Glibc
import Logging
import PostludeSystem
import Testing

@testable import PostludeLogOutput

@Suite("Logging to daemons", .timeLimit(.minutes(10)))
struct DaemonSinkTests {
    private let daemon: DatagramSocket

    init() throws { daemon = try DatagramSocket() }

    private func entry(
        _ message: String, level: Logger.Level = .error, fields: [(key: String, value: String)] = []
    ) -> LogEntry {
        LogEntry(
            level: level, label: "app", message: message, fields: fields, file: "App/File.swift",
            function: "work()", line: 7)
    }

    /// The fields of an entry, parsed as journald parses them.
    private func fields(_ bytes: [UInt8]) -> [String: String] {
        var rest = bytes[...]
        var fields: [String: String] = [:]
        while let end = rest.firstIndex(of: 10) {
            let line = rest[..<end]
            if let sign = line.firstIndex(of: UInt8(ascii: "=")) {
                fields[String(decoding: line[..<sign], as: UTF8.self)] = String(
                    decoding: line[(sign + 1)...], as: UTF8.self)
                rest = rest[(end + 1)...]
            } else {
                let sizes = rest[(end + 1)...].prefix(8)
                let size = sizes.reversed().reduce(0) { $0 << 8 | Int($1) }
                let value = rest[(end + 9)...].prefix(size)
                fields[String(decoding: line, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
                rest = rest[(end + 10 + size)...]
            }
        }
        #expect(rest.isEmpty)
        return fields
    }

    @Test(
        "syslog gets facility and severity, time, tag and process, and one line",
        arguments: [
            (Logger.Level.critical, 26), (.error, 27), (.warning, 28), (.notice, 29), (.info, 30),
            (.debug, 31),
        ])
    func syslog(level: Logger.Level, priority: Int) throws {
        let sink = try SyslogSink(path: daemon.path, program: "shop")
        sink.write(entry("it\nhappened", level: level, fields: [("request", "r1")]))
        let line = String(decoding: try #require(daemon.receive()), as: UTF8.self)
        #expect(line.hasPrefix("<\(priority)>"))
        #expect(line.hasSuffix(" shop[\(getpid())]: app: it\\nhappened request=r1"))
        // `<27>Feb  9 13:05:09 `
        let time = line.drop { $0 != ">" }.dropFirst().prefix(16)
        #expect(time.wholeMatch(of: #/[A-Z][a-z]{2} [ 123][0-9] [0-9:]{8} /#) != nil, "\(time)")
    }

    @Test("journald gets fields whose names it accepts")
    func journald() throws {
        let sink = try JournaldSink(path: daemon.path, program: "shop")
        sink.write(entry("it happened", fields: [("request", "r1"), ("a-b.ü", "x\ny"), ("_=", "=")]))
        let fields = fields(try #require(daemon.receive()))
        #expect(fields["MESSAGE"] == "app: it happened request=r1 a-b._=\"x\\ny\" __==")
        #expect(fields["PRIORITY"] == "3")
        #expect(fields["SYSLOG_IDENTIFIER"] == "shop")
        #expect(fields["CODE_FILE"] == "App/File.swift")
        #expect(fields["CODE_LINE"] == "7")
        #expect(fields["CODE_FUNC"] == "work()")
        #expect(fields["POSTLUDE_LOGGER"] == "app")
        #expect(fields["POSTLUDE_REQUEST"] == "r1")
        #expect(fields["POSTLUDE_A_B___"] == "x\ny")
        #expect(fields["POSTLUDE___"] == "=")
    }

    @Test("no field of an entry can become another field or a second entry")
    func injection() throws {
        let sink = try JournaldSink(path: daemon.path, program: "shop")
        sink.write(entry("x\nPRIORITY=0\n\nMESSAGE=y", fields: [("k\nPRIORITY", "v\nPRIORITY=0")]))
        let fields = fields(try #require(daemon.receive()))
        #expect(fields["PRIORITY"] == "3")
        #expect(fields["POSTLUDE_K_PRIORITY"] == "v\nPRIORITY=0")
    }

    @Test("an entry that is too large for a datagram arrives as a sealed file")
    func largeEntry() throws {
        let sink = try JournaldSink(path: daemon.path, program: "shop")
        let text = String(repeating: "x", count: 1 << 20)
        sink.write(entry(text))
        let (bytes, file) = try #require(daemon.receiveWithFile())
        #expect(bytes.isEmpty)
        let descriptor = try #require(file)
        defer { close(descriptor) }
        // F_GET_SEALS, which the C library's module omits; 15 are all four seals.
        #expect(fcntl(descriptor, 1034) == 15)
        var content = [UInt8](repeating: 0, count: 2 << 20)
        let count = pread(descriptor, &content, content.count, 0)
        #expect(fields(Array(content.prefix(count)))["MESSAGE"] == "app: " + text)
        #expect(sink.losses.take() == nil)
    }

    @Test("a daemon that ends, or does not read, delays no caller; a new one is found")
    func absence() throws {
        let sink = try JournaldSink(path: daemon.path, program: "shop")
        for _ in 0..<2000 { sink.write(entry("x")) }
        let lost = try #require(sink.losses.take())
        #expect(lost.errno == EAGAIN)
        while daemon.receive() != nil {}
        sink.write(entry("again"))
        #expect(!sink.losses.isFailing)
        unlink(daemon.path)
        sink.write(entry("nobody"))
        #expect(try #require(sink.losses.take()) == (1, ENOENT))
    }

    @Test("a missing daemon at the start is an error that says what is missing")
    func missing() {
        let error = #expect(throws: SystemError.self) {
            try SyslogSink(path: "/nowhere/log", program: "shop")
        }
        #expect("\(error.map { "\($0)" } ?? "")".contains("no syslog daemon listens"))
        #expect(throws: SystemError.self) { try JournaldSink(path: "/nowhere/log", program: "shop") }
    }
}

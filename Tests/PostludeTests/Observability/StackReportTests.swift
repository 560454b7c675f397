import PostludeSystem
import PostludeThreads
import Testing

@testable import Postlude

@Suite("StackReport")
struct StackReportTests {
    private func frame(_ function: String, _ symbol: String, isInExecutable: Bool = true)
        -> FunctionNames.Frame
    {
        .init(function: function, symbol: symbol, isInExecutable: isInExecutable)
    }

    @Test("shows the application's functions and their callees, the innermost first")
    func text() {
        let text = StackReport.text([
            frame("read", "read", isInExecutable: false),
            frame("Shop.load() -> ()", "$s4Shop4loadyyF"),
            frame("partial apply forwarder for Shop.page() -> ()", "$s4Shop4pageyyFTA"),
            frame("Shop.page() -> ()", "$s4Shop4pageyyF"),
            frame("closure #2 in Postlude.Handler.init", "$s8Postlude7HandlerVyU_"),
            frame("Postlude.Responder.call() -> ()", "$s8Postlude9ResponderV4callyyF"),
            frame("Shop.main() -> ()", "$s4Shop4mainyyF"),
        ])
        #expect(text == "read < Shop.load() -> () < Shop.page() -> ()")
    }

    @Test("is bounded in frames and length")
    func bounds() {
        let frames = (0..<40).map { _ in frame(String(repeating: "x", count: 500), "$s4Shop1xyyF") }
        let parts = StackReport.text(frames, limit: 30).split(separator: " < ")
        #expect(parts.count == 31 && parts.allSatisfy { $0.count <= 201 })
    }

    @Test("limits the number of simultaneous stacks")
    func budget() {
        var report = StackReport()
        let thread = SampledThread(isSuspended: { true })
        thread.enter()
        for _ in 0..<4 { #expect(report.stack(of: thread) { true } == "suspended (awaiting)") }
        #expect(report.stack(of: thread) { true } == "not taken, too many at once")
        #expect(report.stack(of: nil) { true } == nil)
        thread.leave()
    }

    @Test("has the current names of the application's symbols")
    func entries() {
        let types: [Any.Type] = [Responder.self, TaskRunner.self, WorkerExecutor.self]
        let starts = types.map { type in
            "$s" + String(reflecting: type).split(separator: ".").map { "\($0.utf8.count)\($0)" }.joined()
        }
        #expect(StackReport.entries == starts)
    }
}

import Testing

@testable import Postlude

@Suite("Handlers")
struct HandlersTests {
    private func handler(_ name: String) -> Handler { Handler(name) { ["name": name] } }

    @HandlersBuilder
    private func built(_ flag: Bool, count: Int) -> Handlers {
        handler("first")
        if flag { handler("if") }
        if flag {
            handler("then")
        } else {
            handler("else")
            handler("else-2")
        }
        for number in 0..<count { handler("loop-\(number)") }
        Handlers([handler("group-1"), handler("group-2")])
    }

    @HandlersBuilder
    private var none: Handlers {}

    @Test("the builder keeps the handlers' order")
    func builder() {
        #expect(
            built(true, count: 2).all.map(\.name)
                == ["first", "if", "then", "loop-0", "loop-1", "group-1", "group-2"])
        #expect(
            built(false, count: 0).all.map(\.name) == ["first", "else", "else-2", "group-1", "group-2"])
        #expect(none.all.isEmpty)
    }

    @Test("duplicate names are listed, once for each surplus handler")
    func repeated() {
        #expect(Handlers([handler("a"), handler("b")]).problems.isEmpty)
        let problems = Handlers(["a", "b", "a", "c", "a", "b"].map(handler)).problems
        #expect(
            problems == ["a", "a", "b"].map { "two handlers are called \"\($0)\"; names must differ" })
        var handlers = Handlers([handler("a")])
        handlers.middleware = ["a", "b", "b"]
        #expect(handlers.problems == ["two of `routeMiddleware` are called \"b\"; names must differ"])
    }

    @Test("are found by name")
    func byName() {
        let handlers = Handlers([handler("a"), handler("b")])
        #expect(handlers.byName.keys.sorted() == ["a", "b"])
        #expect(handlers.byName["b"]?.name == "b")
    }
}

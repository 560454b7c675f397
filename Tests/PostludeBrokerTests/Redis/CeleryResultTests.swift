import Testing

@testable import PostludeBroker

@Suite struct CeleryResultTests {
    @Test func `A failure has its exception's type, message and module`() throws {
        let text =
            #"{"status": "FAILURE", "result": {"exc_type": "ValueError", "exc_message": ["no", 5], "#
            + #""exc_module": "builtins"}, "#
            + #""traceback": "Traceback…", "children": [], "date_done": "2026-01-01T00:00:00", "task_id": "1"}"#
        let result = try #require(CeleryResult(id: "1", stored: Array(text.utf8)))
        #expect(result.status == .failure)
        #expect(
            result.failure == CeleryResult.Failure(type: "ValueError", message: "no, 5", module: "builtins"))
        #expect(result.result == nil)
        #expect(result.traceback == "Traceback…")
        #expect(result.dateDone == "2026-01-01T00:00:00")
    }

    @Test(arguments: ["", "nonsense", "[]", "{}", #"{"status":5}"#, "null"])
    func `A value that is not a result is not read as one`(text: String) {
        #expect(CeleryResult(id: "1", stored: Array(text.utf8)) == nil)
    }

    @Test func `Every status has a name`() {
        for status: CeleryResult.Status in [
            .pending, .received, .started, .retry, .success, .failure, .revoked, .other("PROGRESS"),
        ] {
            #expect(CeleryResult.Status(status.text) == status)
        }
    }

    @Test func `A stored result can be read, and a value that is not a JSONValue is not stored`() throws {
        let failure = CeleryResult.Failure(type: "Refused", message: "\"no\"\0", module: "shop")
        let failed = CeleryResult(id: "1", status: .failure, failure: failure)
        #expect(try CeleryResult(id: "1", stored: failed.stored()) == failed)
        #expect(throws: ContractViolation.self) {
            try CeleryResult(id: "1", status: .success, result: "NaN").stored()
        }
        #expect(throws: ContractViolation.self) {
            try CeleryResult(id: "1", status: .success, result: "1,\"status\":2").stored()
        }
    }
}

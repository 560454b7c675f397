import Foundation
import Testing

@Suite("Programs that must compile, and others that must not")
struct CompileFailureTests {
    /// Each program of Tests/CompileFailures has `// expect: …` lines with the compiler's expected messages.
    @Test(
        "The compiler refuses them and says why",
        arguments: [
            "TaskWithWrongArgument", "TaskWithMissingArgument", "TaskWithRequest", "TaskClosureWithRequest",
            "TaskClosureWithMutableState", "TaskWithMutableClass", "HandlersWithMistakes",
            "FieldsWithMistakes",
        ])
    func refused(name: String) throws {
        let check = try Self.typecheck(name)
        #expect(check.exit == .status(1), "\(name) compiles")
        let source = try String(contentsOfFile: Self.path(name), encoding: .utf8)
        let expected = source.split(separator: "\n").compactMap { line -> Substring? in
            line.hasPrefix("// expect: ") ? line.dropFirst("// expect: ".count) : nil
        }
        try #require(!expected.isEmpty)
        for text in expected {
            #expect(check.errors.contains(text), "\(name) should say “\(text)” but says:\n\(check.errors)")
        }
        let errors = check.errors.split(separator: "\n").filter { $0.contains(": error: ") }
        #expect(
            errors.allSatisfy { $0.contains("\(name).swift") }, "errors of another kind:\n\(check.errors)")
    }

    @Test("The same programs compile after their mistakes are corrected")
    func control() throws {
        let check = try Self.typecheck("Correct")
        #expect(check.exit == .status(0), "\(check.errors)")
    }

    private static func path(_ name: String) -> String {
        BuildProducts.repository + "/Tests/CompileFailures/\(name).swift"
    }

    private static func typecheck(_ name: String) throws -> Command { try typecheck(file: path(name)) }

    private static func typecheck(file: String) throws -> Command {
        let arguments =
            try ["-typecheck", "-parse-as-library", "-swift-version", "6"] + SwiftCompiler.moduleFlags()
        return try Command("swiftc", arguments + [file], in: TestFolder(), within: .seconds(120))
    }
}

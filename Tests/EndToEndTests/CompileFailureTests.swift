import Foundation
import Testing

@Suite("Programs that must compile, and others that must not")
struct CompileFailureTests {
    /// Each program of Tests/CompileFailures says in `// expect: …` lines what the compiler must say.
    @Test(
        "The compiler refuses them and says why",
        arguments: [
            "TaskWithWrongArgument", "TaskWithMissingArgument", "TaskWithRequest", "TaskClosureWithRequest",
            "TaskClosureWithMutableState",
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

    @Test("The same programs with their mistakes mended compile")
    func control() throws {
        let check = try Self.typecheck("Correct")
        #expect(check.exit == .status(0), "\(check.errors)")
    }

    @Test("The README's program compiles")
    func readme() throws {
        let readme = try String(contentsOfFile: BuildProducts.repository + "/README.md", encoding: .utf8)
        let programs = readme.components(separatedBy: "```swift\n").dropFirst()
            .compactMap { $0.components(separatedBy: "```").first }
        try #require(!programs.isEmpty)
        let folder = try TestFolder()
        for (number, program) in programs.enumerated() {
            try folder.write("Program\(number).swift", program)
            let check = try Self.typecheck(file: folder.path + "/Program\(number).swift")
            #expect(check.exit == .status(0), "\(check.errors)")
        }
    }

    private static func path(_ name: String) -> String {
        BuildProducts.repository + "/Tests/CompileFailures/\(name).swift"
    }

    private static func typecheck(_ name: String) throws -> Command { try typecheck(file: path(name)) }

    private static func typecheck(file: String) throws -> Command {
        let modules = ["-I", BuildProducts.folder + "/Modules"]
        let maps = try moduleMaps().flatMap { ["-Xcc", "-fmodule-map-file=" + $0] }
        let arguments = ["-typecheck", "-parse-as-library", "-swift-version", "6"] + modules + maps
        return try Command("swiftc", arguments + [file], in: TestFolder(), within: .seconds(120))
    }

    /// The C modules under Postlude: the system libraries', those that SwiftPM has made, and Yams's own.
    private static func moduleMaps() throws -> [String] {
        let files = FileManager.default
        let sources = BuildProducts.repository + "/Sources"
        let system = ["CFastCGI", "CPCRE2"].map { "\(sources)/\($0)/module.modulemap" }
        let made = try files.contentsOfDirectory(atPath: BuildProducts.folder)
            .filter { $0.hasSuffix(".build") }
            .map { "\(BuildProducts.folder)/\($0)/module.modulemap" }
        let checkouts = BuildProducts.folder + "/../../checkouts"
        let own = ["Yams/Sources/CYaml/include/module.modulemap"].map { "\(checkouts)/\($0)" }
        return (system + made + own).filter(files.fileExists(atPath:))
    }
}

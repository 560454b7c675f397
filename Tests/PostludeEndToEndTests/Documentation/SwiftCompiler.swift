import Foundation

/// The compiler, with the modules that were built with this test.
enum SwiftCompiler {
    /// Checks files as a module. The modules that were made in their folder can be imported.
    static func check(_ files: [String], in folder: TestFolder) throws -> Command {
        // Compiles without generating machine code: the compiler finds data races after type checking.
        try run(
            ["-parse-as-library", "-wmo", "-emit-sil", "-o", "/dev/null", "-I", folder.path] + moduleFlags()
                + files.map(folder.file), in: folder)
    }

    /// Makes a module whose internal declarations others can see.
    static func makeModule(_ name: String, of text: String, in folder: TestFolder) throws -> Command {
        try folder.write(name + ".swift", text)
        return try run(
            [
                "-parse-as-library", "-emit-module", "-enable-testing", "-module-name", name,
                "-emit-module-path",
            ]
                + [folder.file(name + ".swiftmodule")] + moduleFlags() + [folder.file(name + ".swift")],
            in: folder)
    }

    /// Checks a package's manifest.
    static func check(packageManifest file: String, in folder: TestFolder) throws -> Command {
        let library = try toolchain(in: folder).folder + "/lib/swift/pm/ManifestAPI"
        return try run(
            ["-typecheck", "-package-description-version", "6.2", "-I", library, folder.file(file)],
            in: folder)
    }

    private static func run(_ arguments: [String], in folder: TestFolder) throws -> Command {
        try Command(
            "swiftc",
            // The strictest settings for imports that a package may choose.
            [
                "-swift-version", "6", "-enable-upcoming-feature", "MemberImportVisibility",
                "-suppress-warnings",
            ]
                + arguments, in: folder,
            within: .seconds(180))
    }

    /// The folder of this test's modules, for the compiler and the tools beside it.
    static func moduleFlags() throws -> [String] {
        let maps = try moduleMaps().flatMap { ["-Xcc", "-fmodule-map-file=" + $0] }
        // Debian's folder of libpq's header.
        let headers = ["-Xcc", "-I/usr/include/postgresql"]
        return ["-I", BuildProducts.folder + "/Modules"] + headers + maps
    }

    /// The C modules that Postlude uses: those of system libraries, those that SwiftPM has made, and those of
    /// other packages.
    private static func moduleMaps() throws -> [String] {
        let files = FileManager.default
        let sources = BuildProducts.repository + "/Sources/C"
        let libraries = [
            "CPostludeFastCGI", "CPostludeHiredis", "CPostludePCRE2", "CPostludePostgreSQL",
            "CPostludeRabbitMQ", "CPostludeYAML",
        ]
        let system = libraries.map { "\(sources)/\($0)/module.modulemap" }
        let made = try files.contentsOfDirectory(atPath: BuildProducts.folder)
            .filter { $0.hasSuffix(".build") }
            .map { "\(BuildProducts.folder)/\($0)/module.modulemap" }
        let sqlite = BuildProducts.folder + "/../../checkouts/GRDB.swift/Sources/GRDBSQLite/module.modulemap"
        return (system + made + [sqlite]).filter(files.fileExists(atPath:))
    }

    /// The `usr` folder of the toolchain whose `swiftc` is in PATH, and its target.
    static func toolchain(in folder: TestFolder) throws -> (folder: String, target: String) {
        struct Info: Decodable {
            struct Target: Decodable { var unversionedTriple: String }
            struct Paths: Decodable { var runtimeResourcePath: String }
            var target: Target
            var paths: Paths
        }
        let command = try Command("swiftc", ["-print-target-info"], in: folder)
        let info = try JSONDecoder().decode(Info.self, from: Data(command.output.utf8))
        // …/usr/lib/swift
        let library = URL(fileURLWithPath: info.paths.runtimeResourcePath)
        let folder = library.deletingLastPathComponent().deletingLastPathComponent().path
        return (folder, info.target.unversionedTriple)
    }
}

import Foundation

/// The folder of this test's executable: SwiftPM puts the package's other executables and modules beside it.
enum BuildProducts {
    static let folder: String = {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: executable).deletingLastPathComponent().path
    }()

    /// The folder of the programs that the tests start. With POSTLUDE_PROGRAMS they are those of another build,
    /// which is one for release.
    private static let programs: String = {
        let other = ProcessInfo.processInfo.environment["POSTLUDE_PROGRAMS"] ?? ""
        return other.isEmpty ? folder : other
    }()

    static var testbed: String { programs + "/PostludeTestbed" }
    static var celeryTestbed: String { programs + "/PostludeCeleryTestbed" }
    static var durableTestbed: String { programs + "/PostludeDurableTestbed" }
    static var lifecycleTestbed: String { programs + "/PostludeLifecycleTestbed" }

    static func example(_ name: String) -> String { programs + "/Postlude\(name.capitalized)Example" }

    /// The package's folder, found from this file's path.
    static let repository: String = {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { url.deleteLastPathComponent() }
        return url.path
    }()
}

import Foundation

/// The folder of this test's executable: SwiftPM puts the package's other executables and modules beside it.
enum BuildProducts {
    static let folder: String = {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(fileURLWithPath: executable).deletingLastPathComponent().path
    }()

    static var testbed: String { folder + "/PostludeTestbed" }
    static var celeryTestbed: String { folder + "/PostludeCeleryTestbed" }
    static var durableTestbed: String { folder + "/PostludeDurableTestbed" }
    static var lifecycleTestbed: String { folder + "/PostludeLifecycleTestbed" }

    static func example(_ name: String) -> String { folder + "/Postlude\(name.capitalized)Example" }

    /// The package's folder, found from this file's path.
    static let repository: String = {
        var url = URL(fileURLWithPath: #filePath)
        for _ in 0..<4 { url.deleteLastPathComponent() }
        return url.path
    }()
}

import Foundation
import PostludeSpawning
import PostludeSupervision
import Testing

/// A library that intercepts a helper's calls to the libraries it is linked with.
enum Interposer {
    static func compile(_ source: String, to library: String, linking libraries: String...) throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Interpose/"
        let compiler = Program(
            "gcc",
            ["-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o", library, folder + source] + libraries)
        try #require(try compiler.run() == .status(0))
    }
}

internal import Foundation
internal import PostludeSpawning
internal import PostludeSupervision

/// A library that intercepts a program's calls to the libraries it is linked with.
package enum Interposer {
    /// Compiles a library.
    ///
    /// - Parameters:
    ///   - source: the path of its source, in C.
    ///   - library: the path of the library.
    ///   - libraries: the compiler's options that link others.
    package static func compile(_ source: String, to library: String, linking libraries: String...) throws {
        let compiler = Program(
            "gcc", ["-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o", library, source] + libraries)
        guard try compiler.run() == .status(0) else { throw CocoaError(.executableLoad) }
    }

    /// Returns the path of a source in the folder `Interpose` beside a file.
    package static func source(_ name: String, beside file: String = #filePath) -> String {
        URL(fileURLWithPath: file).deletingLastPathComponent().path + "/Interpose/" + name
    }
}

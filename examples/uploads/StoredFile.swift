internal import Glibc

/// A file of the store, open for reading.
struct StoredFile: ~Copyable {
    /// For libraries that read by themselves.
    let stream: UnsafeMutablePointer<FILE>

    init(_ path: String) throws {
        guard let stream = fopen(path, "rbe") else { throw StoreError("open") }
        self.stream = stream
    }

    deinit { fclose(stream) }

    /// - Returns: at most `count` bytes; fewer only at the end of the file.
    func read(at offset: Int, upTo count: Int) throws -> [UInt8] {
        guard fseek(stream, offset, SEEK_SET) == 0 else { throw StoreError("seek") }
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = fread(buffer.baseAddress, 1, count, stream)
        }
        guard ferror(stream) == 0 else { throw StoreError("read") }
        return bytes
    }
}

/// An error of the operating system, such as a full disk.
struct StoreError: Error, CustomStringConvertible {
    let description: String

    /// - Parameter call: the call that has just failed.
    init(_ call: String) { description = "\(call): \(String(cString: strerror(errno)))" }
}

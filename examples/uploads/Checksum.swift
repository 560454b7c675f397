internal import CPostludeOpenSSL

/// Checksums by OpenSSL.
enum Checksum {
    struct Failure: Error, CustomStringConvertible {
        let description = "OpenSSL could not compute a SHA-256"
    }

    /// - Returns: the SHA-256 of the file in hexadecimal digits.
    static func sha256(of file: borrowing StoredFile) throws -> String {
        guard let context = EVP_MD_CTX_new() else { throw Failure() }
        defer { EVP_MD_CTX_free(context) }
        guard EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else { throw Failure() }
        var offset = 0
        while case let piece = try file.read(at: offset, upTo: 64 << 10), !piece.isEmpty {
            guard EVP_DigestUpdate(context, piece, piece.count) == 1 else { throw Failure() }
            offset += piece.count
        }
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard EVP_DigestFinal_ex(context, &digest, &count) == 1 else { throw Failure() }
        return digest.prefix(Int(count)).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}

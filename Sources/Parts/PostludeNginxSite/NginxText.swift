/// The notation of values in nginx's configuration.
package enum NginxText {
    /// Returns a word, in quotes if nginx would otherwise end it early.
    static func word(_ text: String) -> String {
        let isPlain = !text.isEmpty && text.utf8.allSatisfy(isPlain)
        guard !isPlain else { return text }
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    /// Returns the application's name in the file, which consists of letters, digits, dashes and underscores.
    static func name(_ text: String) -> String {
        let name = String(
            text.map { $0.isASCII && ($0.isLetter || $0.isNumber || "_-".contains($0)) ? $0 : "-" })
        return name.isEmpty ? "postlude" : name
    }

    /// Returns a size above the application's limit, in whole MiB, so that the application answers requests with larger bodies.
    static func bodySize(above bytes: Int) -> String {
        "\((bytes + (1 << 20) - 1) >> 20 + 1)m"
    }

    /// Returns a duration in seconds, rounded up.
    static func seconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return "\(attoseconds > 0 ? seconds + 1 : seconds)s"
    }

    /// Returns the address to which nginx connects, such as `unix:/run/app.sock` or `127.0.0.1:9000`.
    ///
    /// - Parameter folder: the folder to which a relative path is relative.
    package static func upstream(_ address: String, in folder: String) -> String {
        if address.hasPrefix("/") { return word("unix:" + address) }
        if address.hasPrefix("./") { return word("unix:" + folder + address.dropFirst()) }
        // A server that listens on all addresses is reached through the loopback address.
        for (every, one) in [("0.0.0.0:", "127.0.0.1:"), ("[::]:", "[::1]:")] where address.hasPrefix(every) {
            return one + address.dropFirst(every.count)
        }
        return address
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~/:@+,=[]%".utf8.contains(byte)
        }
    }
}

/// Values as nginx's configuration writes them.
package enum NginxText {
    /// A word, in quotes where nginx would end it early.
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

    /// What the file calls the application: letters, digits, dashes and underscores.
    static func name(_ text: String) -> String {
        let name = String(
            text.map { $0.isASCII && ($0.isLetter || $0.isNumber || "_-".contains($0)) ? $0 : "-" })
        return name.isEmpty ? "postlude" : name
    }

    /// A body's bound above ours, in whole MiB: what is too large is then answered by the application.
    static func bodySize(above bytes: Int) -> String {
        "\((bytes + (1 << 20) - 1) >> 20 + 1)m"
    }

    /// Whole seconds, the next ones if there are none.
    static func seconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return "\(attoseconds > 0 ? seconds + 1 : seconds)s"
    }

    /// Where nginx connects to: `unix:/run/app.sock` or `127.0.0.1:9000`.
    ///
    /// - Parameter folder: the one to which a relative path belongs.
    package static func upstream(_ address: String, in folder: String) -> String {
        if address.hasPrefix("/") { return word("unix:" + address) }
        if address.hasPrefix("./") { return word("unix:" + folder + address.dropFirst()) }
        // What listens on every address is reached through the loopback.
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

/// An error as the log shows it: bounded, since its words may be a client's.
package enum LoggedError {
    private static let limit = 4096

    package static func text(_ error: any Error) -> String {
        // Its description would hold the whole value.
        if case EncodingError.invalidValue(let value, let context) = error {
            let path = context.codingPath.prefix(32).map(\.stringValue).joined(separator: ".")
            return shortened(
                "\(type(of: value)) at \"\(path)\" cannot be encoded: \(context.debugDescription)")
        }
        return shortened("\(error)")
    }

    private static func shortened(_ text: String) -> String {
        guard text.utf8.count > limit else { return text }
        return String(decoding: text.utf8.prefix(limit), as: UTF8.self) + "… (\(text.utf8.count) bytes)"
    }
}

/// Functions for JSON texts that are passed on without decoding.
package enum JSONText {
    /// Returns the texts of an array's elements, as they are written.
    ///
    /// - Returns: nil if it is not an array, or not JSON.
    package static func elements(of array: some Sequence<UInt8>) -> [String]? {
        let bytes = Array(array)
        guard let elements = (try? JSONReader.read(bytes))?.array else { return nil }
        return elements.map { String(decoding: bytes[$0.range], as: UTF8.self) }
    }

    /// Returns the kind of a JSON value, as error messages name it; nil if it is not JSON.
    package static func kind(of text: some Sequence<UInt8>) -> String? {
        (try? JSONReader.read(Array(text)))?.kind
    }

    /// Returns `text` as a JSON string, with quotation marks.
    package static func quoted(_ text: String) -> String {
        var bytes: [UInt8] = []
        JSONWriter.write(text, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

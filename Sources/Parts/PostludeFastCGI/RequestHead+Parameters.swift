extension RequestHead {
    /// The head of a request that no web server has sent, as a gate would have read it.
    ///
    /// - Throws: what the gate would refuse.
    package init(parameters: [(name: String, value: String)]) throws(Refusal) {
        var stream: [UInt8] = []
        for (name, value) in parameters {
            NameValuePairs.append(length: name.utf8.count, to: &stream)
            NameValuePairs.append(length: value.utf8.count, to: &stream)
            stream += name.utf8
            stream += value.utf8
        }
        do throws(ProtocolViolation) {
            try self.init(requestID: 1, keepsConnection: true, stream: stream)
        } catch {
            // The pairs were written just above.
            throw .parameter
        }
        if let refusal { throw refusal }
    }
}

extension NameValuePairs {
    /// One byte up to 127, else four (FastCGI specification, 3.4).
    fileprivate static func append(length: Int, to stream: inout [UInt8]) {
        guard length > 127 else { return stream.append(UInt8(length)) }
        let length = UInt32(clamping: length) | 1 << 31
        withUnsafeBytes(of: length.bigEndian) { stream += $0 }
    }
}

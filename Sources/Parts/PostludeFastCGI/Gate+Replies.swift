extension Gate {
    mutating func replyEndRequest(_ id: UInt16, _ status: ProtocolStatus) {
        RecordHeader(type: .endRequest, requestID: id, contentLength: 8).write(to: &replies)
        replies += [0, 0, 0, 0, status.rawValue, 0, 0, 0]
    }

    mutating func replyUnknownType(_ type: RecordType) {
        RecordHeader(type: .unknownType, requestID: 0, contentLength: 8).write(to: &replies)
        replies += [type.rawValue, 0, 0, 0, 0, 0, 0, 0]
    }

    /// Answers each variable that the specification names (4.1) once, however often it is asked for.
    mutating func answerGetValues() throws(ProtocolViolation) {
        let requests = "\(limits.concurrentRequests)"
        let answers: KeyValuePairs = [
            "FCGI_MAX_CONNS": requests, "FCGI_MAX_REQS": requests, "FCGI_MPXS_CONNS": "0",
        ]
        var asked: Set<String> = []
        var reader = NameValuePairs()
        while let pair = try reader.next(in: content.span) {
            guard pair.name.count <= 32 else { continue }
            asked.insert(String(decoding: content[pair.name], as: UTF8.self))
        }
        var values: [UInt8] = []
        for (name, value) in answers where asked.contains(name) {
            values += [
                UInt8(truncatingIfNeeded: name.utf8.count), UInt8(truncatingIfNeeded: value.utf8.count),
            ]
            values += Array(name.utf8) + Array(value.utf8)
        }
        RecordHeader(type: .getValuesResult, requestID: 0, contentLength: values.count).write(to: &replies)
        replies += values
    }
}

import PostludeSystem

/// The request of a parked response, as another process gets it. That process answers the request again, as if the client
/// had connected again, and continues the response.
struct ParkedRequest: Equatable {
    let requestID: UInt16
    let keepsConnection: Bool
    /// The PARAMS stream.
    let parameters: [UInt8]

    /// - Parameter lastID: the id of the last event that the client has got, which becomes `Last-Event-ID`.
    /// - Returns: nil if the request cannot be answered again: it is no GET, has a body, or is too large for a message.
    init?(of head: RequestHead, after lastID: String?) {
        guard head.value("REQUEST_METHOD")?.elementsEqual("GET".utf8) == true, head.contentLength ?? 0 == 0
        else { return nil }
        requestID = head.requestID
        keepsConnection = head.keepsConnection
        let field = "HTTP_LAST_EVENT_ID"
        var parameters: [UInt8] = []
        head.forEach { name, value in
            guard !name.elementsEqual(field.utf8) else { return }
            NameValuePairs.append(name: name, value: value, to: &parameters)
        }
        if let lastID { NameValuePairs.append(name: field, value: lastID, to: &parameters) }
        self.parameters = parameters
        guard payload.count <= largestPayload else { return nil }
    }

    /// Reads the payload of a message.
    init?(_ payload: [UInt8]) {
        guard payload.count >= 3 else { return nil }
        requestID = UInt16(payload[0]) << 8 | UInt16(payload[1])
        keepsConnection = payload[2] != 0
        parameters = Array(payload.dropFirst(3))
    }

    var payload: [UInt8] {
        [UInt8(requestID >> 8), UInt8(truncatingIfNeeded: requestID), keepsConnection ? 1 : 0] + parameters
    }

    /// The head of the request; nil if a gate would refuse it.
    var head: RequestHead? {
        let head = try? RequestHead(
            requestID: requestID, keepsConnection: keepsConnection, stream: parameters)
        return head?.refusal == nil ? head : nil
    }
}

package import FoundationEssentials

/// The answer to a request, as a store keeps it.
package struct StoredAnswer: Sendable, Equatable {
    /// A digest of the request. Another request with the same key has another one.
    package var fingerprint: [UInt8]
    package var status: Int
    package var head: Head
    package var body: Data
    /// The ids of the request's records that were stored before the answer. Those that are stored with it follow.
    package var taskIDs: [String]
    /// The time until which the answer is kept.
    package var expires: Date

    /// What an answer takes in a store in addition to its head, body and ids, with its entries in indices, in bytes.
    package static let overhead = 256

    package init(
        fingerprint: [UInt8], status: Int, head: Head, body: Data, taskIDs: [String] = [], expires: Date
    ) {
        self.fingerprint = fingerprint
        self.status = status
        self.head = head
        self.body = body
        self.taskIDs = taskIDs
        self.expires = expires
    }

    /// The rest of the status line, and the header fields.
    package struct Head: Sendable, Codable, Equatable {
        package struct Field: Sendable, Codable, Equatable {
            package var name: String
            package var value: String

            package init(name: String, value: String) {
                self.name = name
                self.value = value
            }
        }

        package var reason: String
        /// The content type that is not among the fields.
        package var contentType: String?
        package var fields: [Field]

        package init(reason: String, contentType: String?, fields: [Field]) {
            self.reason = reason
            self.contentType = contentType
            self.fields = fields
        }

        /// Reads a head that a store has kept as JSON.
        package init(json: Data) throws { self = try JSONDecoder().decode(Self.self, from: json) }

        /// The head as JSON, as stores keep it.
        package var json: Data { get throws { try JSONEncoder().encode(self) } }
    }
}

/// An answer that is stored with the records of its request.
package struct NewAnswer: Sendable {
    package var key: IdempotencyKey
    package var answer: StoredAnswer

    package init(_ answer: StoredAnswer, for key: IdempotencyKey) {
        self.answer = answer
        self.key = key
    }
}

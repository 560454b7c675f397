import HTTPTypes
import Postlude
import PostludeCelery

struct Image: Decodable, Sendable {
    var path: String
}

struct Accepted: Encodable, ResponseConvertible {
    func response() throws -> Response { try .json(self, status: .accepted) }
}

import Postlude
import PostludeCelery

struct Image: Decodable, Sendable {
    var path: String
}

import Postlude
import PostludeCelery
import PostludeDurable

struct Image: Decodable, Sendable {
    var path: String
}

struct Mailer: Sendable {
    func send(_ order: Int, to address: String) async throws {}
}

struct Renderer: Sendable {
    func render(_ page: String) async throws {}
}

let mailer = Mailer()
let renderer = Renderer()

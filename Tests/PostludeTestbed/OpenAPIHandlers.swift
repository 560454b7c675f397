import Foundation
import Postlude
import Synchronization

// An API with an example of everything that a document can describe. schemathesis tries it.

enum Fit: String, Codable, CaseIterable {
    case small, medium, large
}

struct Maker: Codable {
    var name: String
    var site: URL?
}

struct Product: Codable {
    var id: Int
    var name: String
    var size: Fit
    var price: Double
    var maker: Maker?
    var tags: [String]
    var parts: [Product]
    var stock: [String: Int]
    var added: Date
}

struct NewProduct: InputFields {
    @Field(1...40, matching: "^[A-Za-z][A-Za-z ]*$", summary: "What customers read.") var name: String
    @Field var size = Fit.medium
    @Field(0...10_000) var price: Double
    @Field(0...5) var tags: [String] = []
    @Field var contact: EmailAddress?
}

struct ProductSearch: InputFields {
    @Field(1...50, summary: "A part of the name.") var text: String?
    @Field(1...100) var limit = 20
    @Field var sizes: [Fit] = []
}

struct ProductID: Decodable {
    var product: Int
}

struct Visitor: InputFields {
    @Field(name: "X-Visit", summary: "The number of the visit.") var visit: Int?
}

struct Preferences: Decodable {
    var theme: String?
}

struct Feedback: InputFields {
    @Field(1...1_000) var message: String
    @Field(1...5) var stars: Int
}

struct Scan: Decodable {
    var page: Int
    var image: UploadedFile
}

/// Any client with a token that begins with `valid`.
struct Member: RequestDependency {
    let token: String

    init(request: Request) throws {
        guard let value = request.header("Authorization"), value.hasPrefix("Bearer valid") else {
            throw HTTPError(.unauthorized, headers: [.wwwAuthenticate: "Bearer"])
        }
        token = String(value.dropFirst(7))
    }

    static func describe(_ operation: inout OperationDescription) {
        operation.security.append(.bearer)
    }
}

/// The articles that the shop sells now.
private let shop = Mutex((nextID: 1, products: [Int: Product]()))

private func add(_ new: NewProduct) -> Product {
    shop.withLock { shop in
        let product = Product(
            id: shop.nextID, name: new.name, size: new.size, price: new.price, maker: nil, tags: new.tags,
            parts: [], stock: ["here": 1], added: Date(timeIntervalSince1970: 1_700_000_000))
        shop.nextID += 1
        shop.products[product.id] = product
        return product
    }
}

let productHandlers = Handlers([
    Handler("find-products") { (search: Query<ProductSearch>, visitor: Header<Visitor>) in
        shop.withLock { $0.products.values.sorted { $0.id < $1.id }.prefix(search.limit).map { $0 } }
    },
    Handler("add-product") { (new: JSONBody<NewProduct>, tasks: BackgroundTasks) in add(new.value) },
    Handler("show-product") { (path: Path<ProductID>, preferences: Cookies<Preferences>) throws -> Product in
        guard let product = shop.withLock({ $0.products[path.product] }) else { throw HTTPError(.notFound) }
        return product
    },
    Handler("remove-product") { (path: Path<ProductID>, member: Dependency<Member>) throws in
        guard shop.withLock({ $0.products.removeValue(forKey: path.product) }) != nil else {
            throw HTTPError(.notFound)
        }
    },
    Handler("give-feedback") { (feedback: Form<Feedback>) in ["stars": feedback.stars] },
    Handler("scan") { (scan: Multipart<Scan>) in ["bytes": scan.image.size, "page": scan.page] },
    Handler("by-code") { (code: Path<String>) in ["code": code.value] },
    Handler("picture") { () -> Response in
        Response(contentType: "image/svg+xml", body: Array("<svg xmlns='http://www.w3.org/2000/svg'/>".utf8))
    },
])

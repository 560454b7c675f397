import FoundationEssentials
import Postlude

struct Notification: Decodable {
    var email: String
    var message: String?
}

func sendNotification(query: Query<Notification>) -> [String: String] {
    ["to": query.email, "message": query.value.message ?? ""]
}

struct Item: Decodable {
    var itemID: Int

    enum CodingKeys: String, CodingKey {
        case itemID = "item_id"
    }
}

func processItem(item: Path<Item>, tasks: BackgroundTasks) -> [String: Int] {
    tasks.add(report, "item \(item.itemID)")
    return ["item_id": item.itemID]
}

struct Registration: Decodable {
    var name: String
    var email: EmailAddress
    var age: Int?
}

func register(body: JSONBody<Registration>) throws -> Response {
    try .json(["name": body.name, "email": body.email.description], status: .created)
}

struct Booking: InputFields, Encodable {
    @Field var day: LocalDate
    @Field var from: LocalDateTime?
    @Field var at: Date
    @Field var id: UUID?
    @Field(1...20) var seats: Int??
}

func book(booking: JSONBody<Booking>, request: Request) throws -> Created<Booking> {
    Created(booking.value, location: try request.path(of: "book", [:]) + "?day=\(booking.day)")
}

struct Tags: Decodable {
    var tag: String
    var count: Int?
}

/// A status and a field of its own.
func tagged(query: Query<Tags>) -> Response {
    var response = Response.text(query.tag, status: .accepted)
    if let name = HTTPField.Name("X-Tag") { response.headers[name] = query.tag }
    return response
}

/// An error that is a problem with a type and a member of its own.
struct SoldOut: ProblemConvertible {
    var left: Int
    var problem: Problem {
        Problem(
            .conflict, "Only \(left) are left", type: "https://shop.example/problems/sold-out",
            title: "Sold out", members: ["left": .integer(left)])
    }
}

struct Shipment: Decodable {
    struct Address: Decodable {
        var city: String
    }

    struct Parcel: Decodable {
        var name: String
        var weight: Double?
    }

    var address: Address
    var parcels: [Parcel]
}

func ship(form: Form<NestedKeys<Shipment>>) -> [String] {
    [form.address.city] + form.parcels.map { "\($0.name) \($0.weight ?? 0)" }
}

func shipLater(form: Form<NestedKeys<Shipment>>, request: Request) throws -> SeeOther {
    SeeOther(
        try request.path(of: "show-shipment", ["id": form.parcels.count], query: ["city": form.address.city]))
}

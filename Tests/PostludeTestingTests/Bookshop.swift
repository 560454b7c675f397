import Postlude

/// An application with an example of each feature, and a diary of its actions.
struct Bookshop: Application {
    let diary: Diary

    init() { self.init(diary: Diary()) }
    init(diary: Diary) { self.diary = diary }

    var handlers: Handlers {
        Handler("order") { (item: Path<Int>, tasks: BackgroundTasks) in
            tasks.add(named: "pack", pack, item.value, "gift")
            tasks.add(named: "mail") { diary.write("mail \(item.value)") }
            return Response(status: .accepted)
        }
        Handler("profile") { (reader: Dependency<Reader>, shelf: Dependency<Shelf>) in
            diary.write("handler \(reader.name)")
            return ["reader": reader.name, "shelf": shelf.label]
        }
        Handler("profile-with-task") { (reader: Dependency<Reader>, tasks: BackgroundTasks) in
            tasks.add(named: "note", note, reader.name)
            return ["reader": reader.name]
        }
        Handler("sold-out") { () throws -> Response in throw SoldOut(title: "Emma") }
        Handler("broken") { () throws -> Response in throw Unexpected() }
        Handler("retried") { (tasks: BackgroundTasks) in
            let policy = RetryPolicy(attempts: 3, delay: .seconds(3600))
            tasks.add(named: "flaky", retry: policy) {
                diary.write("attempt")
                throw Unexpected()
            }
        }
        Handler("delivered") { (tasks: BackgroundTasks) in
            tasks.add(named: "celebrate", when: .delivered) {}
            tasks.add(named: "keep", when: .undelivered) {}
        }
        Handler("ticks") {
            Response.stream(contentType: "text/plain", AsyncStream<String>(unfolding: { "tick " }))
        }
        Handler("stocktaking") { (request: Request, tasks: BackgroundTasks) async in
            tasks.add(named: "report", when: .handlerReturned) {}
            tasks.add(named: "unlock", when: .always) {}
            diary.write("cancelled: \(request.isCancelled) \(Task.isCancelled)")
            return ["books": 7]
        }
        Handler("upload") { (body: BodyStream) in
            var count = 0
            while let piece = try body.read() { count += piece.count }
            return ["bytes": count]
        }
        Handler("cover") { (cover: Multipart<Cover>, tasks: BackgroundTasks) in
            tasks.add(named: "print", printCover, cover.image)
            return ["title": cover.title, "filename": cover.image.filename ?? ""]
        }
    }

    var middleware: [any Middleware] { [Stamp(diary: diary)] }
    var routeMiddleware: KeyValuePairs<String, any Middleware> {
        ["staff": Noted("staff", diary), "counted": Noted("counted", diary)]
    }

    func start() async throws { diary.write("start") }
    func stop() async throws { diary.write("stop") }

    func response(to error: any Error, request: Request) throws -> Response? {
        guard let error = error as? SoldOut else { return nil }
        return .text("\(error.title) is sold out", status: .gone)
    }

    func taskFailed(_ failure: TaskFailure) { diary.write("failed for good") }

    private func pack(_ item: Int, _ wrapping: String) { diary.write("pack \(item) as \(wrapping)") }
    private func printCover(_ image: UploadedFile) throws {
        diary.write("print \(String(decoding: try image.contents(limit: 100), as: UTF8.self))")
    }
    private func note(_ name: String) { diary.write("note \(name)") }

    static let manifest = """
        limits: { body: 1KiB }
        routes:
          - { path: "/orders/{id:int}", method: POST, handler: order }
          - { path: /profile, method: GET, handler: profile }
          - { path: /profile-with-task, method: GET, handler: profile-with-task }
          - { path: /sold-out, method: GET, handler: sold-out }
          - { path: /broken, method: GET, handler: broken }
          - { path: /retried, method: POST, handler: retried }
          - { path: /delivered, method: POST, handler: delivered }
          - { path: /ticks, method: GET, handler: ticks }
          - { path: /stocktaking, method: GET, handler: stocktaking }
          - { path: /upload, method: POST, handler: upload }
          - { path: /cover, method: POST, handler: cover }
          - prefix: /office
            middleware: [staff]
            routes:
              - { path: /stocktaking, method: GET, handler: stocktaking, middleware: [counted] }
        """
}

struct Cover: Decodable {
    var title: String
    var image: UploadedFile
    var back: UploadedFile?
}

struct SoldOut: Error {
    let title: String
}

struct Unexpected: Error {}

/// Marks every response, and keeps some requests from the handlers.
struct Stamp: Middleware {
    let diary: Diary

    func respond(to request: Request, next: Next) async throws -> Response {
        guard request.header("X-Banned") == nil else { throw HTTPError(.forbidden, "Banned") }
        var response = try await next(request)
        response.headers[HTTPField.Name("X-Stamp") ?? .server] = "\(response.status.code) \(request.route)"
        return response
    }
}

/// Records the response that passes it.
struct Noted: Middleware {
    let name: String
    let diary: Diary

    init(_ name: String, _ diary: Diary) {
        self.name = name
        self.diary = diary
    }

    func respond(to request: Request, next: Next) async throws -> Response {
        let response = try await next(request)
        diary.write("\(name) \(response.status.code)")
        return response
    }
}

/// The client's name, from a header field.
final class Reader: RequestDependency {
    let name: String
    private let diary: Diary

    init(request: Request) async throws {
        await Task.yield()
        guard let name = request.header("X-Reader") else { throw HTTPError(.unauthorized, "Who are you?") }
        self.name = name
        diary = try request.application(Bookshop.self).diary
        diary.write("open reader \(name)")
    }

    func release() async throws {
        await Task.yield()
        diary.write("release reader \(name)")
    }
}

/// Needs the reader.
struct Shelf: RequestDependency {
    let label: String
    private let diary: Diary

    static var dependencies: [any RequestDependency.Type] { [Reader.self] }

    init(request: Request) async throws {
        label = "shelf of \(try request.dependency(Reader.self).name)"
        diary = try request.application(Bookshop.self).diary
        diary.write("open \(label)")
    }

    func release() async throws { diary.write("release \(label)") }
}

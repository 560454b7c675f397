/// A `multipart/form-data` body (RFC 7578), decoded into `Value`: its text fields, and its files, which are on disk.
///
/// ```swift
/// struct Photo: Decodable {
///     var title: String
///     var tags: [String]
///     var image: UploadedFile
///     var preview: UploadedFile?
/// }
///
/// func upload(photo: Multipart<Photo>, tasks: BackgroundTasks) -> [String: String] {
///     tasks.add(makeThumbnail, photo.image)
///     return ["title": photo.title]
/// }
/// ```
///
/// An optional property may be absent, and a field that was left empty is, be it a file's or a text's; an array takes
/// every field of its name; otherwise the last one counts. Text is decoded as that of a ``Query`` is, and an
/// ``InputFields`` says what the values must be. The files live until the request's last
/// task has ended. For fields whose names are not known before, a handler takes a ``MultipartForm``.
///
/// A body of another type gets 415, a malformed one 400, one that is too large or has more than 1,000 fields or 100
/// files 413, and one whose fields do not make a `Value` 422.
@dynamicMemberLookup
public struct Multipart<Value: Decodable>: RequestInput {
    /// What was decoded.
    public let value: Value

    public init(request: Request) throws {
        value = try MultipartDecoder(MultipartForm(request: request)).decodeInput(Value.self)
    }

    public static var bodyUse: BodyUse { .stream }

    /// A member of the value.
    @inlinable
    public subscript<Member>(dynamicMember keyPath: KeyPath<Value, Member>) -> Member {
        value[keyPath: keyPath]
    }
}

extension Multipart: Sendable where Value: Sendable {}

public import HTTPTypes

extension ValueResponse {
    public static var answers: [OperationDescription.ResponseDescription] {
        [.value(Value.self, Self.status)]
    }
}

extension OperationDescription.ResponseDescription {
    /// Returns the description of a value that is sent as JSON.
    @usableFromInline
    static func value(
        _ type: any Encodable.Type, _ status: HTTPResponse.Status = .ok
    ) -> OperationDescription.ResponseDescription {
        var answer = Self(status, content: [.init("application/json", schema: Schema(of: type))])
        // A type that is not `Decodable` cannot be recorded.
        if !(type is any Decodable.Type), !(type is any SchemaProviding.Type) {
            answer.opaqueType = "\(type)"
        }
        return answer
    }
}

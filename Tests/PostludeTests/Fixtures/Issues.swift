import Testing

@testable import Postlude

/// An input's issues, as the client reads them: `query.email: Field required (missing)`.
func issues(of body: () throws -> Void, sourceLocation: SourceLocation = #_sourceLocation) -> [String] {
    do {
        try body()
        return []
    } catch let error as InputError {
        return error.issues.map { issue in
            let location = issue.location.map { step in
                switch step {
                case .key(let key): key
                case .index(let index): "[\(index)]"
                }
            }
            return "\(location.joined(separator: ".")): \(issue.message) (\(issue.type))"
        }
    } catch {
        Issue.record("not an InputError: \(error)", sourceLocation: sourceLocation)
        return []
    }
}

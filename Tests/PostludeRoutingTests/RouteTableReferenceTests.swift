import HTTPTypes
import PostludeRouting
import PostludeSystem
import Testing

/// Compares the table with the simplest possible matcher: every route in order, segment by segment.
@Suite("RouteTable against a linear reference")
struct RouteTableReferenceTests {
    private enum Part: CaseIterable {
        case a, b, one, any, int, slug, letters, mixed

        var text: (String) -> String {
            switch self {
            case .a: { _ in "a" }
            case .b: { _ in "b" }
            case .one: { _ in "1" }
            case .any: { "{\($0)}" }
            case .int: { "{\($0):int}" }
            case .slug: { "{\($0):slug}" }
            case .letters: { "{\($0):[ab]+}" }
            case .mixed: { "a-{\($0):int}" }
            }
        }

        /// The value that the part takes from a segment; empty for a literal, nil if it does not match.
        func value(_ segment: Substring) -> String? {
            let isInt: (Substring) -> Bool = { text in
                let digits = text.hasPrefix("-") ? text.dropFirst() : text
                return !digits.isEmpty && digits.allSatisfy { "0123456789".contains($0) }
            }
            switch self {
            case .a: return segment == "a" ? "" : nil
            case .b: return segment == "b" ? "" : nil
            case .one: return segment == "1" ? "" : nil
            case .any: return segment.isEmpty ? nil : String(segment)
            case .int: return isInt(segment) ? String(segment) : nil
            case .slug:
                let isSlug = segment.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
                return segment.isEmpty || !isSlug ? nil : String(segment)
            case .letters:
                return !segment.isEmpty && segment.allSatisfy { "ab".contains($0) } ? String(segment) : nil
            case .mixed:
                return segment.hasPrefix("a-") && isInt(segment.dropFirst(2))
                    ? String(segment.dropFirst(2)) : nil
            }
        }
    }

    private struct Route {
        let parts: [Part]
        let takesRest: Bool
        let hasTrailingSlash: Bool
        let method: HTTPRequest.Method

        var text: String {
            let segments = parts.enumerated().map { $1.text("p\($0)") } + (takesRest ? ["{rest:path}"] : [])
            return "/" + segments.joined(separator: "/") + (hasTrailingSlash ? "/" : "")
        }

        func values(_ path: String) -> [String]? {
            let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
            let count = parts.count + (hasTrailingSlash ? 1 : 0)
            guard takesRest ? segments.count > parts.count : segments.count == count else { return nil }
            if hasTrailingSlash, segments.last?.isEmpty != true { return nil }
            var values: [String] = []
            for (part, segment) in zip(parts, segments) {
                guard let value = part.value(segment) else { return nil }
                if !value.isEmpty { values.append(value) }
            }
            return takesRest ? values + [segments[parts.count...].joined(separator: "/")] : values
        }
    }

    @Test("both find the same route and the same values", arguments: 0..<16)
    func sameResults(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        let routes = (0..<[1, 5, 40, 200][seed % 4]).map { _ in randomRoute(&random) }
        let table = try RouteTable(routes.map { (methods: [$0.method], pattern: try RoutePattern($0.text)) })
        let matcher = try RouteMatcher()
        let segments = ["a", "b", "ab", "1", "-7", "a-1", "c.d", "é"]
        var matched = 0
        for _ in 0..<400 {
            let path =
                "/"
                + (0..<Int.random(in: 1...4, using: &random)).map { _ in
                    segments.randomElement(using: &random) ?? ""
                }
                .joined(separator: "/") + (Bool.random(using: &random) ? "" : "/")
            let method: HTTPRequest.Method = Bool.random(using: &random) ? .get : .post
            let candidates = routes.enumerated().compactMap { index, route in
                route.values(path).map { (index: index, method: route.method, values: $0) }
            }
            switch table.match(path, method, using: matcher) {
            case .route(let index, let parameters):
                let expected = candidates.first { $0.method == method }
                #expect(index == expected?.index, "\(path) \(routes.map(\.text))")
                #expect(parameters.map(\.value) == expected?.values)
                matched += 1
            case .methodNotAllowed(let allow):
                #expect(!candidates.isEmpty && candidates.allSatisfy { $0.method != method })
                #expect(allow.contains(method == .get ? .post : .get))
            case .notFound:
                #expect(candidates.isEmpty, "\(path) \(routes.map(\.text))")
            case .refused:
                Issue.record("refused \(path)")
            }
        }
        #expect(matched > 0 || routes.count < 40)
    }

    private func randomRoute(_ random: inout SeededGenerator) -> Route {
        let takesRest = Int.random(in: 0..<8, using: &random) == 0
        var parts = (0..<Int.random(in: takesRest ? 0...2 : 1...3, using: &random)).map { _ in
            Part.allCases.randomElement(using: &random) ?? .a
        }
        // A pattern with a rest has no expression of its own.
        if takesRest { parts = parts.map { $0 == .letters ? .slug : $0 } }
        return Route(
            parts: parts, takesRest: takesRest,
            hasTrailingSlash: !takesRest && Int.random(in: 0..<6, using: &random) == 0,
            method: Bool.random(using: &random) ? .get : .post)
    }
}

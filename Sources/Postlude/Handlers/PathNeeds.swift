internal import PostludeRouting

/// The parameters of its route's path that an input uses, known before any request.
enum PathNeeds: Sendable {
    struct Member: Sendable {
        let name: String
        let isRequired: Bool
    }

    case nothing
    /// Any parameters, or parameters that only the application knows.
    case any
    /// The path's only parameter.
    case one(isOptional: Bool)
    /// The parameters with these names.
    case members([Member])

    /// Determines the parameters from which a type is decoded.
    init(of type: any Decodable.Type) {
        let isOptional = type is any SchemaOptional.Type
        let whole = (type as? any SchemaOptional.Type)?.wrappedType ?? type
        // The type's own schema may differ from the parameters that it decodes.
        guard !(whole is any SchemaProviding.Type) else {
            self = .any
            return
        }
        let schema = Schema(of: whole)
        let isIncomplete = schema.referenceKey.flatMap { schema.definitions[$0] }?.isIncomplete == true
        if let properties = schema.properties, !isIncomplete {
            self = .members(
                properties.map { Member(name: $0.name, isRequired: $0.isRequired && !isOptional) })
        } else if case .string(let type)? = schema.keywords["type"],
            ["string", "integer", "number", "boolean"].contains(type)
        {
            self = .one(isOptional: isOptional)
        } else {
            self = .any
        }
    }
}

/// A check of the path parameters that a handler's inputs use.
struct PathCheck: Sendable {
    private let handler: String
    private let needs: [PathNeeds]

    init(handler: String, _ needs: [PathNeeds]) {
        self.handler = handler
        self.needs = needs
    }

    /// Returns the mistakes if no request could be valid whose path has these parameters.
    func mistakes(in names: [String]) -> [String] {
        var mistakes: [String] = []
        var members: [PathNeeds.Member] = []
        var takesAny = false
        for need in needs {
            switch need {
            case .nothing: break
            case .any: takesAny = true
            case .one(let isOptional):
                takesAny = true
                guard names.count != 1, !(names.isEmpty && isOptional) else { break }
                let found =
                    names.isEmpty ? "no parameter" : "\(names.count): \(names.joined(separator: ", "))"
                mistakes.append(
                    "\(quotedHandler) takes the only parameter of its path; found \(found), expected one")
            case .members(let some): members += some
            }
        }
        let known = members.map(\.name)
        for member in members where member.isRequired && !has(member.name, names) {
            let near = nearest(to: member.name, in: names.filter { !has($0, known) })
            let found = near.map { "found {\($0)}" } ?? "the path has no such parameter"
            mistakes.append(
                "\(quotedHandler) takes `\(member.name)` of its path; \(found), expected {\(member.name)}")
        }
        // A parameter that was suggested for a missing one is not reported as unknown, too.
        guard mistakes.isEmpty, !takesAny, !members.isEmpty else { return mistakes }
        for name in names where !has(name, known) {
            let near =
                nearest(to: name, in: known.filter { !has($0, names) }).map { " (nearest: \($0))" } ?? ""
            mistakes.append(
                "unknown parameter {\(name)}\(near), expected one that \(quotedHandler) takes: "
                    + known.joined(separator: ", "))
        }
        return mistakes
    }

    private var quotedHandler: String { "the handler \"\(handler)\"" }

    private func has(_ name: String, _ names: [String]) -> Bool {
        names.contains { ExactName.areSame($0, name) }
    }
}

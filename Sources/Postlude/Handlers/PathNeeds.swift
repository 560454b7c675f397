internal import PostludeRouting

/// What an input takes of the parameters of its route's path, known before any request.
enum PathNeeds: Sendable {
    struct Member: Sendable {
        let name: String
        let isRequired: Bool
    }

    case nothing
    /// Whatever there is, or what only the application knows.
    case any
    /// The only one.
    case one(isOptional: Bool)
    /// Those with these names.
    case members([Member])

    /// What a type takes that is decoded from the path.
    init(of type: any Decodable.Type) {
        let isOptional = type is any SchemaOptional.Type
        let whole = (type as? any SchemaOptional.Type)?.wrappedType ?? type
        // What such a type says of itself need not be what it asks for.
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

/// What all inputs of a handler take of the parameters of a path.
struct PathCheck: Sendable {
    private let handler: String
    private let needs: [PathNeeds]

    init(handler: String, _ needs: [PathNeeds]) {
        self.handler = handler
        self.needs = needs
    }

    /// Why no request can be right whose path has these parameters.
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
        // A name that is reported as what was meant for another one is reported once.
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

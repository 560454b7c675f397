internal import HTTPTypes
internal import PostludeManifest
internal import PostludeRouting

/// An operation of the document: one method of one path.
struct DocumentOperation {
    let route: Manifest.Route
    /// The number in the order of the manifest, from 0.
    let number: Int
    let method: HTTPRequest.Method
    let parameters: [RoutePattern.Parameter]
    /// The names of `parameters` in the document's path.
    let names: [String]
    let description: OperationDescription

    func node(id: String, _ components: SchemaComponents) -> DocumentNode {
        let parameters = parameterNodes(components)
        return .object([
            "operationId": .string(id),
            "summary": route.summary.map(DocumentNode.string),
            "description": route.description.map(DocumentNode.string),
            "tags": route.tags.isEmpty ? nil : .array(route.tags.map(DocumentNode.string)),
            "deprecated": route.deprecated ? .value(true) : nil,
            "security": security,
            "parameters": parameters.isEmpty ? nil : .array(parameters),
            "requestBody": body(components),
            "responses": answers(components),
        ])
    }

    private var security: DocumentNode? {
        guard !description.security.isEmpty else { return nil }
        var names: [String] = []
        for scheme in description.security where !names.contains(scheme.name) { names.append(scheme.name) }
        return .array([.object(names.map { .init(name: $0, value: .array([])) })])
    }

    // MARK: Parameters

    private func parameterNodes(_ components: SchemaComponents) -> [DocumentNode] {
        let declared = description.parameters
        var nodes = zip(parameters, names).map { parameter, name in
            let own = declared.last {
                $0.location == .path
                    && ($0.name == parameter.name || $0.name.isEmpty && parameters.count == 1)
            }
            let notes = [own?.description, PathSchemas.note(on: parameter)].compactMap(\.self)
            return node(
                .init(
                    .path, name, schema: PathSchemas.schema(of: parameter, handler: own?.schema),
                    description: notes.isEmpty ? nil : notes.joined(separator: " ")), components)
        }
        var seen: Set<[String]> = []
        for parameter in declared + keyParameters where parameter.location != .path {
            // Two inputs may use the same parameter.
            let name = parameter.location == .header ? parameter.name.lowercased() : parameter.name
            if seen.insert([parameter.location.rawValue, name]).inserted {
                nodes.append(node(parameter, components))
            }
        }
        return nodes
    }

    /// The route's settings of `Idempotency-Key`; nil if the operation ignores it.
    private var idempotency: Manifest.Idempotency? {
        Manifest.Idempotency.applies(to: method) ? route.idempotency : nil
    }

    private var keyParameters: [OperationDescription.Parameter] {
        guard let idempotency else { return [] }
        let description =
            """
            A value that the client chooses for this request, such as a UUID. If the client repeats the request with the same \
            key, it gets the same answer, and nothing is done twice.
            """
        return [
            .init(
                .header, "Idempotency-Key", isRequired: idempotency.key == .required,
                schema: Schema(["type": "string", "minLength": 1, "maxLength": 255]),
                description: description)
        ]
    }

    private func node(_ parameter: OperationDescription.Parameter, _ components: SchemaComponents)
        -> DocumentNode
    {
        .object([
            "name": .string(parameter.name), "in": .string(parameter.location.rawValue),
            "description": parameter.description.map(DocumentNode.string),
            "required": parameter.isRequired ? .value(true) : nil,
            "style": parameter.style.map(DocumentNode.string),
            "explode": parameter.style == nil ? nil : .value(true),
            "schema": components.node(parameter.schema),
        ])
    }

    // MARK: Body and answers

    private func body(_ components: SchemaComponents) -> DocumentNode? {
        guard !description.body.isEmpty else { return nil }
        return .object([
            "required": description.isBodyRequired ? .value(true) : nil,
            "content": content(description.body, components),
        ])
    }

    private func content(
        _ contents: [OperationDescription.Content], _ components: SchemaComponents
    ) -> DocumentNode {
        var members: [DocumentNode.Member] = []
        for (mediaType, same) in Dictionary(grouping: contents, by: \.mediaType).sorted(by: {
            $0.key < $1.key
        }) {
            let schemas = same.map { components.node($0.schema) }
            // If two inputs read the body, it must conform to both schemas.
            let schema = schemas.count == 1 ? schemas[0] : .object(["allOf": .array(schemas)])
            let example = same.lazy.compactMap(\.example).first.map(DocumentNode.value)
            let encoding = same.reduce(into: [:]) { $0.merge($1.encoding) { first, _ in first } }
            members.append(
                .init(
                    name: mediaType,
                    value: .object([
                        "schema": schema, "encoding": encoding.isEmpty ? nil : .value(.object(encoding)),
                        "example": example,
                    ])))
        }
        return .object(members)
    }

    private func answers(_ components: SchemaComponents) -> DocumentNode {
        var members: [DocumentNode.Member] = []
        for answer in description.answers {
            let hasContent = !answer.content.isEmpty && method != .head
            let node = DocumentNode.object([
                "description": .string(answer.description),
                "content": hasContent ? content(answer.content, components) : nil,
            ])
            let statuses = answer.isUnspecified ? ["2XX", "3XX"] : ["\(answer.status.code)"]
            for status in statuses where !members.contains(where: { $0.name == status }) {
                members.append(.init(name: status, value: node))
            }
        }
        for (status, description, schemas) in errors(components.errors)
        where !members.contains(where: { $0.name == status }) {
            let references = schemas.map { Schema.reference(to: $0) }
            let reference =
                references.count == 1 ? references[0] : Schema(["anyOf": .array(references.map(\.json))])
            members.append(
                .init(
                    name: status,
                    value: .object([
                        "description": .string(description),
                        "content": method == .head
                            ? nil
                            : content([.init(components.errors.mediaType, schema: reference)], components),
                    ])))
        }
        // Successes first, then redirections and errors.
        return .object(
            members.enumerated().sorted {
                (Self.rank($0.element.name), $0.offset) < (Self.rank($1.element.name), $1.offset)
            }.map(\.element))
    }

    private static func rank(_ status: String) -> Int {
        switch status.first {
        case "2": 0
        case "3": 1
        default: status == "default" ? 3 : 2
        }
    }

    private func errors(_ schemas: ErrorSchemas) -> [(status: String, description: String, schemas: [String])]
    {
        var errors: [(String, String, [String])] = []
        if let idempotency {
            let what = idempotency.key == .required ? "missing or malformed" : "malformed"
            errors.append(("400", "The Idempotency-Key is \(what).", [schemas.error]))
        }
        if !description.security.isEmpty {
            errors.append(("401", "The client is not authenticated.", [schemas.error]))
        }
        if idempotency != nil {
            errors.append(
                (
                    "409", "The request with this Idempotency-Key is still being answered.",
                    [schemas.error]
                ))
        }
        if !description.body.isEmpty {
            errors.append(("413", "The body is too large.", [schemas.error]))
            errors.append(("415", "The body is of another type.", [schemas.error]))
        }
        let hasValues = !description.parameters.isEmpty || !description.body.isEmpty
        switch (hasValues, idempotency != nil) {
        case (true, false):
            errors.append(("422", "Missing or wrong values.", [schemas.validationError]))
        case (true, true):
            errors.append(
                (
                    "422",
                    "Missing or wrong values, or the Idempotency-Key was used for another request.",
                    [schemas.validationError, schemas.error]
                ))
        case (false, true):
            errors.append(
                ("422", "The Idempotency-Key was used for another request.", [schemas.error]))
        case (false, false): break
        }
        return errors + [("default", "Another error.", [schemas.error])]
    }
}

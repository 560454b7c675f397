/// A node of a form's fields, which are arranged by the steps of their names: it has values or members.
final class FormNode {
    /// The places of the values among the form's fields.
    private(set) var places: [Int] = []
    /// The names of the members, in the order in which they came.
    private(set) var names: [String] = []
    private var members: [ExactName: FormNode] = [:]

    /// The largest number of fields, which is also that of a ``Form``.
    static let maximumCount = 1_000

    subscript(name: String) -> FormNode? { members[ExactName(name)] }

    /// Makes a tree of the names of a form's fields.
    ///
    /// - Parameter decoder: the decoder of the form, for the place of an error.
    /// - Throws: an error with the name that cannot be read, or contradicts the ones before it.
    static func tree(of names: some Collection<String>, for decoder: InputDecoder) throws -> FormNode {
        guard names.count <= maximumCount else {
            throw InputRule(
                message: "There should be at most \(maximumCount) fields", type: "too_long",
                context: ["max_length": .integer(maximumCount)]
            ).error(at: decoder.codingPath)
        }
        let root = FormNode()
        for (place, name) in names.enumerated() {
            do throws(InputRule) {
                try root.insert(place, at: NestedName.steps(of: name))
            } catch {
                throw error.error(at: decoder.codingPath + [ParameterKey(.key(name))])
            }
        }
        return root
    }

    private func insert(_ place: Int, at steps: [String]) throws(InputRule) {
        var node = self
        for step in steps {
            guard node.places.isEmpty else { throw .conflict }
            node = node.member(step)
        }
        guard node.names.isEmpty else { throw .conflict }
        node.places.append(place)
    }

    private func member(_ name: String) -> FormNode {
        if let member = self[name] { return member }
        let member = FormNode()
        members[ExactName(name)] = member
        names.append(name)
        return member
    }
}

/// A decoder of a form whose fields can be arranged as a tree.
protocol FormDecoder: InputDecoder {
    /// Returns a decoder of the same form that reads the steps in the names of its fields.
    func tree() throws -> FormTreeDecoder
}

/// A decoder of one value of a form.
typealias FormValueDecoder = InputDecoder & Decoder & SingleValueDecodingContainer

/// The values of a form's fields, which only their own decoders can read: texts, or files as well.
protocol FormValues {
    /// Returns a decoder of one value, or of a list.
    ///
    /// - Parameter places: the places of the values among the form's fields; empty if there are none.
    func decoder(at places: [Int], parent: InputDecoder, step: InputIssue.Location) -> any FormValueDecoder
}

/// The texts of a form's fields.
struct FormTexts: FormValues {
    let texts: [String]

    func decoder(at places: [Int], parent: InputDecoder, step: InputIssue.Location) -> any FormValueDecoder {
        let texts = places.map { self.texts[$0] }
        return TextDecoder(texts.last, all: texts, parent: parent, step: step)
    }
}

extension ParametersDecoder: FormDecoder {
    func tree() throws -> FormTreeDecoder {
        FormTreeDecoder(
            try .tree(of: values.map(\.name), for: self), of: FormTexts(texts: values.map(\.value)),
            continuing: self)
    }
}

/// Decodes a node of a form's tree.
final class FormTreeDecoder: InputDecoder, Decoder, SingleValueDecodingContainer, FieldSource {
    private let node: FormNode
    private let values: any FormValues
    /// The decoder of the node's values; nil if it has members.
    private lazy var leaf: (any FormValueDecoder)? =
        node.places.isEmpty
        ? nil : values.decoder(at: node.places, parent: parent ?? self, step: step ?? .key(""))

    /// Makes the decoder of a whole form.
    init(_ root: FormNode, of values: any FormValues, continuing decoder: InputDecoder) {
        node = root
        self.values = values
        super.init(continuing: decoder)
    }

    init(_ node: FormNode, of values: any FormValues, parent: InputDecoder, step: InputIssue.Location) {
        self.node = node
        self.values = values
        super.init(parent: parent, step: step)
    }

    override func decodeValue<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if let leaf {
            leaf.definition = definition
            return try leaf.decodeValue(type)
        }
        if TextDecoder.isForeign(type) { throw notOneValue }
        return try decoding(type) { try Value(from: self) }
    }

    // MARK: Members

    var fieldNames: [String] { node.names }

    func field(_ name: String) -> any FormValueDecoder {
        guard let member = node[name] else { return values.decoder(at: [], parent: self, step: .key(name)) }
        return FormTreeDecoder(member, of: values, parent: self, step: .key(name))
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        if let leaf { return try leaf.container(keyedBy: type) }
        return KeyedDecodingContainer(FieldsContainer(source: self))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        if let leaf { return try leaf.unkeyedContainer() }
        let elements = try node.names.compactMap { name -> FormElements.Element? in
            guard let index = NestedName.index(name) else {
                throw InputRule.listIndex.error(at: codingPath + [ParameterKey(.key(name))])
            }
            return node[name].map { (index, $0) }
        }
        return ListContainer(
            FormElements(elements: elements.sorted { $0.index < $1.index }, values: values, parent: self),
            decoder: self)
    }

    // MARK: Single values

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        guard let leaf else { return self }
        return try leaf.singleValueContainer()
    }

    private var notOneValue: DecodingError {
        InputRule(message: "Input should be one value, not several fields", type: "scalar_type")
            .error(at: codingPath)
    }

    func decodeNil() -> Bool { false }
    func decode(_ type: String.Type) throws -> String { throw notOneValue }
    func decode(_ type: Bool.Type) throws -> Bool { throw notOneValue }
    func decode(_ type: Double.Type) throws -> Double { throw notOneValue }
    func decode(_ type: Float.Type) throws -> Float { throw notOneValue }
    func decode(_ type: Int.Type) throws -> Int { throw notOneValue }
    func decode(_ type: Int8.Type) throws -> Int8 { throw notOneValue }
    func decode(_ type: Int16.Type) throws -> Int16 { throw notOneValue }
    func decode(_ type: Int32.Type) throws -> Int32 { throw notOneValue }
    func decode(_ type: Int64.Type) throws -> Int64 { throw notOneValue }
    func decode(_ type: UInt.Type) throws -> UInt { throw notOneValue }
    func decode(_ type: UInt8.Type) throws -> UInt8 { throw notOneValue }
    func decode(_ type: UInt16.Type) throws -> UInt16 { throw notOneValue }
    func decode(_ type: UInt32.Type) throws -> UInt32 { throw notOneValue }
    func decode(_ type: UInt64.Type) throws -> UInt64 { throw notOneValue }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try decodeValue(type) }
}

/// The elements of a list, in the order of their indices.
private struct FormElements: ListValues {
    typealias Element = (index: Int, node: FormNode)

    let elements: [Element]
    let values: any FormValues
    let parent: InputDecoder

    var count: Int { elements.count }

    func decoder(at index: Int) -> FormTreeDecoder {
        FormTreeDecoder(elements[index].node, of: values, parent: parent, step: .index(elements[index].index))
    }
}

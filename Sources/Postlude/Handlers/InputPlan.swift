/// The combined requirements of a handler's inputs, determined when the handler is created.
struct InputPlan {
    let bodyUse: BodyUse
    /// The dependencies, each after those that it needs itself.
    let dependencies: [any RequestDependency.Type]
    /// The dependencies that name on whose behalf a request is made, each after those that it needs itself.
    let principals: [any RequestDependency.Type]
    let problem: String?
    /// The input that opens a transaction for the call of the handler; nil if there is none.
    let transaction: (any TransactionInput.Type)?
    private let inputs: [any RequestInput.Type]

    init(_ inputs: [any RequestInput.Type]) {
        self.inputs = inputs
        transaction = inputs.lazy.compactMap { $0 as? any TransactionInput.Type }.first
        bodyUse = inputs.map { $0.bodyUse }.max() ?? .none
        var order = DependencyOrder()
        for input in inputs { order.append(input.dependencies) }
        dependencies = order.types
        var principals = DependencyOrder()
        principals.append(order.types.filter { $0 is any IdempotencyPrincipal.Type })
        self.principals = principals.types
        let bodies = inputs.filter { $0.bodyUse > .none }
        if let cycle = order.cycle {
            problem = DependencyCycle(type: cycle).description
        } else if bodyUse == .stream, bodies.count > 1 {
            let names = bodies.map { "\($0)" }.joined(separator: " and ")
            problem = "\(names) cannot be combined: the body can be read in pieces only once"
        } else if let problem = Self.problem(ofBodies: inputs) ?? Self.problem(ofTransactions: inputs) {
            self.problem = problem
        } else {
            problem = inputs.lazy.compactMap { ($0 as? any CheckedInput.Type)?.problem }.first
        }
    }

    /// The input that reads the body in pieces; nil if there is none.
    var streamedInput: (any RequestInput.Type)? { inputs.first { $0.bodyUse == .stream } }

    /// Returns a problem if two inputs need the body in different formats.
    private static func problem(ofBodies inputs: [any RequestInput.Type]) -> String? {
        let bodies = inputs.compactMap { input in
            (input as? any CheckedInput.Type)?.bodyForm.map { (name: "\(input)", form: $0) }
        }
        guard let first = bodies.first, let other = bodies.first(where: { $0.form != first.form }) else {
            return nil
        }
        return """
            \(first.name) and \(other.name) cannot be combined: a body is \(first.form) or \(other.form), so that \
            every request would be refused; make two handlers
            """
    }

    /// Returns a problem if a handler has two transactions, or takes one before it has read the body: the database's lock would be
    /// held meanwhile.
    private static func problem(ofTransactions inputs: [any RequestInput.Type]) -> String? {
        guard let place = inputs.firstIndex(where: { $0 is any TransactionInput.Type }) else { return nil }
        let (transaction, rest) = (inputs[place], inputs[(place + 1)...])
        if let other = rest.first(where: { $0 is any TransactionInput.Type }) {
            return "\(transaction) and \(other) cannot be combined: a handler has one transaction"
        }
        return rest.first { $0.bodyUse > .none }.map {
            "\($0) must come before \(transaction), so that the transaction begins after the body was read"
        }
    }

    /// The path parameters that all inputs use. An input of the application, or a dependency, may read any of them.
    var pathNeeds: [PathNeeds] {
        inputs.map { ($0 as? any CheckedInput.Type)?.pathNeeds ?? .any }
            + (dependencies.isEmpty ? [] : [.any])
    }

    func operation(answering answers: [OperationDescription.ResponseDescription]) -> OperationDescription {
        var operation = OperationDescription()
        for input in inputs { input.describe(&operation) }
        for dependency in dependencies { dependency.describe(&operation) }
        operation.answers += answers
        return operation
    }
}

/// Dependencies, each once, after those that it needs.
struct DependencyOrder {
    private(set) var types: [any RequestDependency.Type] = []
    /// A dependency that needs itself, directly or through others.
    private(set) var cycle: String?
    private var placed: Set<ObjectIdentifier> = []
    private var path: Set<ObjectIdentifier> = []

    mutating func append(_ wanted: [any RequestDependency.Type]) {
        for type in wanted {
            let id = ObjectIdentifier(type)
            guard !placed.contains(id) else { continue }
            guard path.insert(id).inserted else {
                cycle = cycle ?? "\(type)"
                continue
            }
            append(type.dependencies)
            path.remove(id)
            placed.insert(id)
            types.append(type)
        }
    }
}

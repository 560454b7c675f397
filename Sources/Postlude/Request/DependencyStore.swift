internal import Logging

/// The dependencies of one request that were computed so far.
final class DependencyStore {
    private var values: [ObjectIdentifier: any RequestDependency] = [:]
    /// The types, in order of creation.
    private var order: [ObjectIdentifier] = []

    func insert(_ value: any RequestDependency) {
        let id = ObjectIdentifier(type(of: value))
        values[id] = value
        order.append(id)
    }

    func value<Value: RequestDependency>(_ type: Value.Type) -> Value? {
        values[ObjectIdentifier(type)] as? Value
    }

    /// All of them, in order of creation.
    var all: [any RequestDependency] { order.compactMap { values[$0] } }

    func holds(_ type: any RequestDependency.Type) -> Bool { values[ObjectIdentifier(type)] != nil }

    /// Releases all of them, the last one first.
    func release(log: (any RequestDependency, any Error) -> Void) async {
        while let id = order.popLast() {
            guard let value = values.removeValue(forKey: id) else { continue }
            do {
                try await value.release()
            } catch {
                log(value, error)
            }
        }
    }
}

extension Request {
    /// Returns a dependency that was computed before. For the `init(request:)` of an input, or of another dependency,
    /// that lists the type in its `dependencies`.
    ///
    /// - Throws: an error that names the type if no input declares it.
    public func dependency<Value: RequestDependency>(_ type: Value.Type) throws -> Value {
        guard let value = storage.dependencies?.value(type) else {
            throw UndeclaredDependency(type: "\(type)")
        }
        return value
    }

    /// Computes a dependency, unless it was computed before.
    func resolve(_ type: any RequestDependency.Type) async throws {
        guard storage.dependencies?.holds(type) != true else { return }
        storage.insert(try await type.init(request: self))
    }
}

/// An error of the program, which is answered with 500 and logged.
struct UndeclaredDependency: Error, CustomStringConvertible {
    let type: String
    var description: String {
        "\(type) is not computed yet: name it in the static property `dependencies` of the input that uses it"
    }
}

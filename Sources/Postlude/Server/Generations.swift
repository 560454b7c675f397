internal import PostludeManifest
internal import PostludeSystem

/// The current generation, which new requests get.
final class Generations: Sendable {
    private let state: Lock<Generation>
    private let make: @Sendable (Manifest, Int) throws -> Generation

    init(
        beginningWith manifest: Manifest, number: Int,
        make: @escaping @Sendable (Manifest, Int) throws -> Generation
    ) throws {
        self.make = make
        state = Lock(try make(manifest, number))
    }

    var current: Generation { state.withLock { $0 } }

    /// Makes a generation of `manifest` the current one.
    ///
    /// - Throws: the reason why the manifest cannot be served. The current generation then stays.
    func replace(by manifest: Manifest, number: Int) throws -> Generation {
        let next = try make(manifest, number)
        state.withLock { $0 = next }
        return next
    }
}

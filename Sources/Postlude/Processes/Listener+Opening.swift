internal import PostludeFastCGI
internal import PostludeManifest

extension Listener {
    /// Opens the listening socket: at `address`, else the socket of spawn-fcgi or systemd, else at the manifest's
    /// address.
    ///
    /// - Parameter address: the address on the command line, if any.
    static func opened(at address: String?, _ listen: Manifest.Listen) throws -> Listener {
        if address == nil, let inherited = try Listener.inheritedIfAny() { return inherited }
        guard let address = address ?? listen.address else { throw ListenError.noSocket }
        return try .open(
            SocketAddress(parsing: address),
            ListenOptions(
                owner: listen.owner, group: listen.group, mode: listen.mode, backlog: listen.backlog))
    }
}

internal import PostludeManifest

/// The client of a status page, and what it may do: by the roles of the manifest, and by what the web server says about the
/// user.
///
/// Whoever can connect to the socket can claim to be any user. So the roles hold for the clients of the web server, and the
/// socket's owner, group and mode for all others.
struct StatusReader: Sendable, Hashable {
    /// A FastCGI parameter by which the command `status` names itself. A web server cannot pass it on from its clients, whose
    /// header fields all begin with `HTTP_`.
    static let commandParameter = "POSTLUDE_STATUS_COMMAND"

    /// The user's name; nil if the web server passes none.
    var user: String?
    var mayView: Bool
    /// Whether it may change tasks.
    var mayChange: Bool
    /// Whether it may see the values and results of tasks, which may be personal data.
    var seesValues: Bool

    init(_ request: Request, _ roles: Manifest.Status.Roles, allowsActions: Bool) {
        let user = Self.text(request.fastCGIParameter("REMOTE_USER"))
        let names: [String]
        if let header = roles.header {
            let value = Self.text(request.header(header))
            names = value?.split(separator: ",").map { String(String($0).trimmingSpaces) } ?? []
            self.user = user ?? value
        } else {
            names = user.map { [$0] } ?? []
            self.user = user
        }
        func isNamed(in list: [String]?) -> Bool { list.map { $0.contains(where: names.contains) } ?? true }
        let isOperator = isNamed(in: roles.operators)
        let isCommand = request.fastCGIParameter(Self.commandParameter) != nil
        mayView = isCommand || isNamed(in: roles.viewers) || roles.operators != nil && isOperator
        mayChange = allowsActions && mayView && isOperator
        seesValues = roles.operators == nil ? mayChange : mayView && isOperator
    }

    private static func text(_ value: String?) -> String? { value.flatMap { $0.isEmpty ? nil : $0 } }
}

internal import ArgumentParser

/// An application that Postlude serves: its handlers, under the names that the manifest uses.
///
/// ```swift
/// @main
/// struct Notifications: Application {
///     var handlers: Handlers {
///         Handler("send-notification", sendNotification)
///         Handler("process-item", processItem)
///     }
/// }
/// ```
///
/// The executable is its own tool: `serve`, `check`, `routes`, `match` and `schema`.
public protocol Application: Sendable {
    /// Called once, before the first request.
    init()

    /// The application's handlers. Read once, at the start.
    @HandlersBuilder var handlers: Handlers { get }
}

extension Application {
    /// The program's entry: parses the command line and runs the command.
    public static func main() async {
        await RootCommand<Self>.main()
    }
}

import Postlude

/// The first examples of a guide to background tasks: answer now, send the mail afterwards.
@main
struct Notifications: Application {
    var handlers: Handlers {
        Handler("home", home)
        Handler("send-notification", sendNotification)
        Handler("process-item", processItem)
        Handler("perform-action", performAction)
        Handler("register", register)
    }
}

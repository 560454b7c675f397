import Postlude

/// The guide's eight programs as one application, one file for each heading, in the guide's order.
@main
struct GuideApplication: Application {
    var handlers: Handlers {
        Handler("send-notification", sendNotification)
        Handler("process-item", processItem)
        Handler("perform-action", performAction)
        Handler("register-user", registerUser)
        Handler("upload-file", uploadFile)
        Handler("update-settings", updateSettings)
        Handler("get-data", getData)
        Handler("create-task", createTask)

        Handler("home", home)
        Handler("lines", followLines)
    }

    // The page finds a request's lines by the request's id.
    var middleware: [any Middleware] { [RequestIDs()] }

    func taskFailed(_ failure: TaskFailure) {
        lines.add(
            Line(
                request: failure.requestID, text: "The task has failed: \(failure.error)", isFailure: true))
    }
}

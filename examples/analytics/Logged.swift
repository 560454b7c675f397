import FoundationEssentials
import Postlude

extension AnalyticsApplication {
    /// Responds, and adds the task that logs the access, so that the client does not wait for the database.
    ///
    /// - Parameter answer: makes the response; its duration is the access's.
    func logged(_ request: Request, _ tasks: BackgroundTasks, answer: () throws -> Response) throws
        -> Response
    {
        let time = Date()
        let start = ContinuousClock.now
        let response = try answer()
        let access = Access(
            time: time, path: request.path, status: response.status.code,
            userAgent: request.header("User-Agent"),
            milliseconds: (ContinuousClock.now - start) / .milliseconds(1))
        // The task gets values, because the request no longer exists when it runs.
        tasks.add(named: "log the access", log.add, access)
        return response
    }
}

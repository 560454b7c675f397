internal import PostludeFastCGI
internal import PostludeRouting
internal import PostludeScoreboard
internal import PostludeSystem

extension WorkerSlot {
    /// The worker has a request. Its id is shown if the web server gave one: making one up takes longer than all this.
    func beginRequest(_ head: RequestHead) {
        begin(
            method: head.value("REQUEST_METHOD") ?? [],
            target: AbsoluteForm.originForm(of: head.value("REQUEST_URI") ?? []),
            request: head.value("REQUEST_ID") ?? head.value("HTTP_X_REQUEST_ID") ?? [], at: .now)
    }
}

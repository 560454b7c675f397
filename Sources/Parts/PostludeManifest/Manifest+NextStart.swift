extension Manifest {
    /// Returns the keys that differ in `next` and take effect only at the next start. SIGHUP cannot apply changes of open
    /// sockets, the task store or the broker.
    package func keysForNextStart(in next: Manifest) -> [String] {
        var changes = Changes()
        changes.compare("listen", listen.address, next.listen.address)
        changes.compare("listen.owner", listen.owner, next.listen.owner)
        changes.compare("listen.group", listen.group, next.listen.group)
        changes.compare("listen.mode", listen.mode, next.listen.mode)
        changes.compare("listen.backlog", listen.backlog, next.listen.backlog)
        changes.compare("listen.allow", listen.allow, next.listen.allow)
        changes.compare("listen.allow-users", listen.allowUsers, next.listen.allowUsers)
        changes.compare("status", status?.listen, next.status?.listen)
        if let old = status, let new = next.status {
            changes.compare("status.owner", old.owner, new.owner)
            changes.compare("status.group", old.group, new.group)
            changes.compare("status.mode", old.mode, new.mode)
            changes.compare("status.task-actions", old.taskActions, new.taskActions)
            changes.compare("status.viewers", old.roles.viewers, new.roles.viewers)
            changes.compare("status.operators", old.roles.operators, new.roles.operators)
            changes.compare("status.user-header", old.roles.header, new.roles.header)
            changes.compare("status.problems", old.problems, new.problems)
        }
        changes.compare("task-store.path", taskStore?.path, next.taskStore?.path)
        if let old = taskStore, let new = next.taskStore {
            changes.compare("task-store.keep", old.keep, new.keep)
            changes.compare("task-store.keep-failed", old.keepFailed, new.keepFailed)
            changes.compare("task-store.lock-timeout", old.lockTimeout, new.lockTimeout)
            changes.compare("task-store.max-answers", old.maximumAnswers, new.maximumAnswers)
        }
        changes.compare("celery.broker", celery?.broker.url, next.celery?.broker.url)
        changes.compare("celery.results", celery?.results?.url, next.celery?.results?.url)
        return changes.keys
    }

    private struct Changes {
        var keys: [String] = []

        mutating func compare<Value: Equatable>(_ key: String, _ old: Value, _ new: Value) {
            if old != new { keys.append(key) }
        }
    }
}

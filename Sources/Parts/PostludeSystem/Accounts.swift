package import Glibc

/// Returns the id of a user, given by name or number; nil if the name is unknown.
package func userID(_ text: String) -> uid_t? {
    if let number = uid_t(text) { return number }
    return lookUp { buffer in
        guard let start = buffer.baseAddress else { return (ENOMEM, nil) }
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        let error = getpwnam_r(text, &entry, start, buffer.count, &found)
        return (error, found == nil ? nil : entry.pw_uid)
    }
}

/// Returns the id of a group, given by name or number; nil if the name is unknown.
package func groupID(_ text: String) -> gid_t? {
    if let number = gid_t(text) { return number }
    return lookUp { buffer in
        guard let start = buffer.baseAddress else { return (ENOMEM, nil) }
        var entry = group()
        var found: UnsafeMutablePointer<group>?
        let error = getgrnam_r(text, &entry, start, buffer.count, &found)
        return (error, found == nil ? nil : entry.gr_gid)
    }
}

/// Returns the name of a user; nil if the number has none.
package func userName(_ id: uid_t) -> String? {
    lookUp { buffer in
        guard let start = buffer.baseAddress else { return (ENOMEM, nil) }
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        let error = getpwuid_r(id, &entry, start, buffer.count, &found)
        return (error, found?.pointee.pw_name.map { String(cString: $0) })
    }
}

/// Returns the primary group of a user, given by name; nil if the name is unknown.
package func primaryGroup(of user: String) -> gid_t? {
    lookUp { buffer in
        guard let start = buffer.baseAddress else { return (ENOMEM, nil) }
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        let error = getpwnam_r(user, &entry, start, buffer.count, &found)
        return (error, found == nil ? nil : entry.pw_gid)
    }
}

/// Returns the value that `ask` finds; nil if there is none. Calls `ask` again with a larger buffer as long as the entry
/// does not fit.
private func lookUp<Value>(
    _ ask: (UnsafeMutableBufferPointer<CChar>) -> (error: Int32, value: Value?)
) -> Value? {
    var size = 4096
    while size <= 1 << 20 {
        let answer = withUnsafeTemporaryAllocation(of: CChar.self, capacity: size, ask)
        if answer.error != ERANGE { return answer.value }
        size *= 4
    }
    return nil
}

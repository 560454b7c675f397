extension ManifestDecoder {
    /// Decodes `listen`: the address of the listening socket, or a mapping.
    func listen(_ node: Node) -> Manifest.Listen {
        var listen = Manifest.Listen()
        guard node.scalar == nil else {
            listen.address = address(node, for: "`listen`")
            return listen
        }
        guard
            let keys = reader.mapping(
                node, keys: ListenKey.self, name: ListenKey.mapping, or: AddressText.expectation)
        else { return listen }
        listen.address = keys[.address].flatMap { address($0, for: "`address`") }
        listen.owner = keys[.owner].flatMap { account($0, for: "`owner`", of: "user") }
        listen.group = keys[.group].flatMap { account($0, for: "`group`", of: "group") }
        listen.mode = keys[.mode].flatMap { mode($0) } ?? listen.mode
        if let node = keys[.backlog] {
            let backlog = reader.integer(node, for: "`backlog`", in: ManifestBounds.backlog)
            listen.backlog = backlog ?? listen.backlog
        }
        listen.allow = keys[.allow].map(networks) ?? []
        listen.allowUsers = keys[.allowUsers].map(users) ?? []
        if let node = keys[.address], let address = listen.address, !reader.isReplaced(node) {
            checkUse(of: keys, at: address)
        }
        return listen
    }

    /// Decodes `status`: the address of the status pages' socket, or a mapping. Returns `nil` if it has no usable address,
    /// which was reported.
    ///
    /// - Parameter listen: the application's own socket, which must have another address.
    func status(_ node: Node, besides listen: Manifest.Listen) -> Manifest.Status? {
        var addressNode = node
        var owner, group, mode, taskActions, problems: Node?
        var roles = Manifest.Status.Roles()
        if node.scalar == nil {
            guard
                let keys = reader.mapping(
                    node, keys: StatusKey.self, name: StatusKey.mapping, or: AddressText.expectation)
            else { return nil }
            guard let node = keys[.listen] else {
                reader.diagnostics.add(
                    "`status` has no `listen`, expected \(AddressText.expectation)", at: keys.position)
                return nil
            }
            (addressNode, owner, group, mode) = (node, keys[.owner], keys[.group], keys[.mode])
            (taskActions, problems) = (keys[.taskActions], keys[.problems])
            roles = self.roles(keys)
        }
        let name = node.scalar == nil ? "`listen`" : "`status`"
        guard let address = address(addressNode, for: name) else { return nil }
        if address == listen.address {
            reader.reportMismatch(
                addressNode, for: name, expected: "an address other than that of the application's own socket"
            )
        }
        var status = Manifest.Status(listen: address)
        status.owner = owner.flatMap { account($0, for: "`owner`", of: "user") }
        status.group = group.flatMap { account($0, for: "`group`", of: "group") }
        status.mode = mode.flatMap { self.mode($0) } ?? status.mode
        status.taskActions =
            taskActions.flatMap { reader.boolean($0, for: "`task-actions`") } ?? status.taskActions
        status.roles = roles
        status.problems = problems.map(self.problems) ?? status.problems
        return status
    }

    private func roles(_ keys: MappingReader<StatusKey>) -> Manifest.Status.Roles {
        func names(_ key: StatusKey) -> [String]? {
            guard let node = keys[key] else { return nil }
            let name = "`\(key.rawValue)`"
            let items = reader.list(node, for: name, of: "names of users such as [ada]")
            return items?.compactMap { item in
                let expected = UserText.expectation
                guard let text = reader.text(item, for: name, expected: expected)?.string else { return nil }
                if !UserText.isUser(text) { reader.reportMismatch(item, for: name, expected: expected) }
                return text
            }
        }
        var roles = Manifest.Status.Roles()
        (roles.viewers, roles.operators) = (names(.viewers), names(.operators))
        roles.header = keys[.userHeader].flatMap { node in
            let expected = "the name of a header field such as X-Forwarded-Groups"
            guard let text = reader.text(node, for: "`user-header`", expected: expected)?.string else {
                return nil
            }
            if !UserText.isHeader(text) {
                reader.reportMismatch(node, for: "`user-header`", expected: expected)
            }
            return text
        }
        return roles
    }

    private func problems(_ node: Node) -> Manifest.Status.Problems {
        var problems = Manifest.Status.Problems()
        guard let keys = reader.mapping(node, keys: ProblemsKey.self, name: ProblemsKey.mapping) else {
            return problems
        }
        func count(_ key: ProblemsKey) -> Int? {
            keys[key].flatMap { reader.integer($0, for: "`\(key.rawValue)`", in: ManifestBounds.problems) }
        }
        func duration(_ key: ProblemsKey) -> Duration? {
            keys[key].flatMap {
                reader.duration($0, for: "`\(key.rawValue)`", atLeast: ManifestBounds.time)
            }
        }
        problems.deadLetters = count(.deadLetters) ?? problems.deadLetters
        problems.outage = duration(.outage) ?? problems.outage
        problems.oldestTask = duration(.oldestTask) ?? problems.oldestTask
        problems.busyTime = duration(.busyTime) ?? problems.busyTime
        problems.errors = keys[.errors].flatMap(share) ?? problems.errors
        problems.restarts = count(.restarts) ?? problems.restarts
        return problems
    }

    private func share(_ node: Node) -> Double? {
        let expected = PercentText.expectation
        guard let text = reader.scalarText(node, for: "`errors`", expected: expected) else { return nil }
        let share = PercentText.parse(text)
        if share == nil { reader.reportMismatch(node, for: "`errors`", expected: expected) }
        return share
    }

    /// Reports access restrictions without effect, because they apply to the other kind of socket (TCP or Unix).
    private func checkUse(of keys: MappingReader<ListenKey>, at address: String) {
        let isPath = AddressText.isPath(address)
        let useless: [ListenKey] = isPath ? [.allow] : [.owner, .group, .mode, .allowUsers]
        let kind = isPath ? "TCP" : "Unix"
        for key in useless where keys[key] != nil {
            reader.diagnostics.add(
                "`\(key.rawValue)` applies to \(kind) sockets only, but `address` is \(quoted(address))",
                at: keys.position(of: key))
        }
    }

    private func address(_ node: Node, for name: String) -> String? {
        let expected = AddressText.expectation
        guard let text = reader.text(node, for: name, expected: expected)?.string else { return nil }
        do throws(ValueMistake) {
            try AddressText.check(text)
            return text
        } catch {
            reader.reportMismatch(node, for: name, expected: error.expected)
            return nil
        }
    }

    private func account(_ node: Node, for name: String, of kind: String) -> String? {
        let expected = "the name or number of a \(kind)"
        guard let text = reader.scalarText(node, for: name, expected: expected) else { return nil }
        let isName = node.scalar.map { [.text, .integer].contains(ScalarKind($0)) } ?? false
        guard isName, AccountText.isAccount(text) else {
            reader.reportMismatch(node, for: name, expected: expected)
            return nil
        }
        return text
    }

    private func mode(_ node: Node) -> UInt32? {
        let expected = FileModeText.expectation
        guard let text = reader.scalarText(node, for: "`mode`", expected: expected) else { return nil }
        let mode = FileModeText.parse(text)
        guard let mode, node.scalar.map({ ScalarKind($0) == .text }) == true else {
            let advice = mode.map { "the mode in quotes: \"\(FileModeText.text(of: $0))\"" }
            reader.reportMismatch(node, for: "`mode`", expected: advice ?? expected)
            return nil
        }
        return mode
    }

    private func networks(_ node: Node) -> [String] {
        let items = reader.list(node, for: "`allow`", of: "addresses and networks such as [10.0.0.0/8]") ?? []
        return items.compactMap { item in
            let expected = NetworkText.expectation
            guard let text = reader.text(item, for: "`allow`", expected: expected)?.string else { return nil }
            do throws(ValueMistake) {
                try NetworkText.check(text)
                return text
            } catch {
                reader.reportMismatch(item, for: "`allow`", expected: error.expected)
                return nil
            }
        }
    }

    private func users(_ node: Node) -> [String] {
        let items = reader.list(node, for: "`allow-users`", of: "users such as [www-data]") ?? []
        return items.compactMap { account($0, for: "`allow-users`", of: "user") }
    }
}

/// The notation of users and groups: a name or a number. Whether they exist is not checked, because the manifest may be
/// checked on another machine than the server's.
private enum AccountText {
    /// The largest number of a user or group: the next one means "unchanged" to chown(2).
    static let maximum: UInt32 = .max - 1

    static func isAccount(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 255 else { return false }
        if isDigit(first) {
            return text.utf8.allSatisfy(isDigit) && UInt32(text).map { $0 <= maximum } == true
        }
        // The account of a computer in a Windows domain ends with a dollar sign.
        let name = text.utf8.last == UInt8(ascii: "$") ? text.utf8.dropLast() : text.utf8[...]
        return !name.isEmpty && first != UInt8(ascii: "-") && first != UInt8(ascii: ".")
            && name.allSatisfy { isDigit($0) || isLetter($0) || "_.-".utf8.contains($0) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}

/// The notation of the names of users that the web server passes, and of the header field that has them.
private enum UserText {
    static let expectation = "the name of a user or a group, without control characters"

    static func isUser(_ text: String) -> Bool {
        let scalars = text.unicodeScalars
        guard let first = scalars.first, let last = scalars.last, scalars.count <= 255 else { return false }
        return first != " " && last != " " && scalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }
    }

    static func isHeader(_ text: String) -> Bool {
        (1...100).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}

/// The notation of shares: percent, with at most two decimals.
enum PercentText {
    static let expectation = "a percentage above 0% and up to 100% such as 5% or 0.5%"

    /// - Returns: the share, from 0 to 1; nil if the text is not a percentage above 0.
    static func parse(_ text: String) -> Double? {
        guard let match = text.wholeMatch(of: #/(?<number>[0-9]{1,3}(?:\.[0-9]{1,2})?)%/#),
            let percent = Double(match.number), percent > 0, percent <= 100
        else { return nil }
        return percent / 100
    }

    /// Returns the share in percent, such as `5%`.
    static func text(of share: Double) -> String { "\(NumberText.text(of: share * 100))%" }
}

/// The notation of a socket file's mode: octal digits in quotes. Without quotes, 0660 is 432 in YAML 1.1 and 660 in
/// YAML 1.2.
enum FileModeText {
    static let expectation = "three octal digits in quotes such as \"0660\""

    static func parse(_ text: String) -> UInt32? {
        let digits = text.utf8.count == 4 && text.hasPrefix("0") ? text.dropFirst() : text[...]
        let isOctal = digits.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }
        return digits.utf8.count == 3 && isOctal ? UInt32(digits, radix: 8) : nil
    }

    /// Returns the mode in four octal digits, such as `0660`.
    static func text(of mode: UInt32) -> String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}

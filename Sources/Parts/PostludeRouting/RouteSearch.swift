internal import PostludePCRE

/// What a walk through the index has found so far.
struct RouteSearch {
    let path: UnsafeBufferPointer<UInt8>
    /// The earliest route that matches.
    fileprivate(set) var best: Int32?
    fileprivate(set) var parameters = RouteParameters()
    /// A match ran into its limits.
    fileprivate(set) var isRefused = false

    init(path: UnsafeBufferPointer<UInt8>) {
        self.path = path
    }

    fileprivate func accepts(_ route: Int32) -> Bool {
        guard let best else { return true }
        return route < best
    }
}

// In the table and not in the search, which would have to hold the table and count references to its arrays.
extension RouteTable {
    /// Walks through a node and what is below it.
    ///
    /// The nodes are a tree, whose like branches the index keeps only once: each visit is of another branch,
    /// and of none whose routes all come later than the one found. However a path looks, it costs no more
    /// visits and matches than the manifest has segments and routes.
    /// - Parameters:
    ///   - offset: of the slash after the node's segment, or the path's end
    ///   - inherited: the earliest route of the node above
    func visit(
        _ number: Int32, at offset: Int, earliest inherited: Int32 = 0, _ search: inout RouteSearch,
        _ matcher: Matcher
    ) {
        let node = index[number]
        let earliest = node.earliestRoute < 0 ? inherited : node.earliestRoute
        guard search.accepts(earliest), !search.isRefused else { return }
        let isEnd = offset == search.path.count
        if node.programs >= 0 {
            let set = sets[Int(node.programs)]
            run(isEnd ? set.exact : set.tail, earliest: earliest, &search, matcher)
        }
        guard !isEnd, node.hasLiteralChildren || node.parameterChild != 0 else { return }
        let start = offset + 1
        var end = start
        let key = SegmentKey(in: search.path, from: start, end: &end)
        if node.hasLiteralChildren,
            let child = index.literalChild(of: number, key, in: search.path, start..<end)
        {
            visit(child, at: end, earliest: earliest, &search, matcher)
        }
        if node.parameterChild != 0 {
            visit(node.parameterChild, at: end, earliest: earliest, &search, matcher)
        }
    }

    private func run(
        _ range: Range<Int>, earliest: Int32, _ search: inout RouteSearch, _ matcher: Matcher
    ) {
        for number in range {
            let program = programs[number]
            let first = program.choices < 0 ? earliest : choices[Int(program.choices)].route
            guard search.accepts(first), !search.isRefused, matches(program, &search, matcher) else {
                continue
            }
            if program.choices < 0 {
                take(earliest, program.captures, of: program, &search, matcher)
            } else {
                let mark = program.expression < 0 ? 0 : matcher.markNumber ?? 0
                let choice = choices[Int(program.choices) + mark]
                take(choice.route, choice.captures, of: program, &search, matcher)
            }
        }
    }

    private func matches(_ program: RouteProgram, _ search: inout RouteSearch, _ matcher: Matcher) -> Bool {
        guard program.expression >= 0 else { return true }
        let subject = UnsafeBufferPointer(rebasing: search.path[Int(program.mountLength)...])
        switch matcher.match(expressions[Int(program.expression)], subject, isValidUTF8: true) {
        case .match:
            return true
        case .noMatch:
            return false
        case .limitExceeded, .failed:
            search.isRefused = true
            return false
        }
    }

    /// Keeps a route with its parameters, which the next match would overwrite.
    private func take(
        _ route: Int32, _ range: RouteProgram.Captures, of program: RouteProgram, _ search: inout RouteSearch,
        _ matcher: Matcher
    ) {
        guard search.accepts(route) else { return }
        var parameters = RouteParameters(capacity: Int(range.count))
        for number in Int(range.start)..<Int(range.start + range.count) {
            guard let taken = matcher.range(ofGroup: captures[number].group) else { continue }
            let start = Int(program.mountLength)
            let value = search.path[(start + taken.lowerBound)..<(start + taken.upperBound)]
            parameters.append(
                name: captures[number].name,
                value: PercentEscape.decoded(UnsafeBufferPointer(rebasing: value)))
        }
        search.best = route
        search.parameters = parameters
    }
}

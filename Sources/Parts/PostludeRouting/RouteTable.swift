package import HTTPTypes
internal import PostludePCRE

/// All routes, indexed and compiled. It is immutable, so that all workers use the same table.
///
/// The index finds the nodes whose literal segments match the path, and the alternation of each node decides. If
/// several routes match, the earliest in the manifest wins, wherever it is in the index.
package struct RouteTable: Sendable {
    private let methods: [(method: HTTPRequest.Method, root: Int32)]
    private let index: RouteIndex
    private let programs: [RouteProgram]
    private let sets: [RouteProgram.Set]
    private let choices: [RouteProgram.Choice]
    private let captures: [RoutePattern.Capture]
    /// The expressions, shared by all nodes whose routes differ only in literals and names.
    private let expressions: [CompiledPattern]

    /// - Throws: PCRE2's error, if an expression that compiles alone does not compile in an alternation.
    package init(_ routes: [(methods: [HTTPRequest.Method], pattern: RoutePattern)]) throws {
        var builder = RouteTableBuilder(routes)
        index = try builder.makeIndex()
        methods = zip(builder.methods, index.roots).map { ($0.method, $1) }
        programs = builder.compiler.programs
        sets = builder.compiler.sets
        choices = builder.compiler.choices
        captures = builder.compiler.captures
        expressions = builder.compiler.expressions
    }

    /// Finds the route for a request. HEAD uses GET's route if it has none of its own.
    package func route(
        _ method: HTTPRequest.Method, _ path: RoutePath, using matcher: RouteMatcher
    ) -> Outcome {
        path.bytes.withUnsafeBufferPointer { bytes in
            var search = find(method, bytes, matcher)
            if search.best == nil, !search.isRefused, method == .head {
                search = find(.get, bytes, matcher)
            }
            if search.isRefused { return .refused }
            if let best = search.best {
                return .route(index: Int(best), parameters: search.parameters)
            }
            return otherMethods(than: method, bytes, matcher)
        }
    }

    private func find(
        _ method: HTTPRequest.Method, _ path: UnsafeBufferPointer<UInt8>, _ matcher: RouteMatcher
    ) -> RouteSearch {
        var search = RouteSearch(path: path)
        // There are few methods: comparing them is faster than hashing.
        for number in methods.indices where methods[number].method == method {
            visit(methods[number].root, at: 0, &search, matcher.matcher)
        }
        return search
    }

    private func otherMethods(
        than method: HTTPRequest.Method, _ path: UnsafeBufferPointer<UInt8>, _ matcher: RouteMatcher
    ) -> Outcome {
        var allowed: Set<HTTPRequest.Method> = []
        for (other, _) in methods where other != method {
            let search = find(other, path, matcher)
            if search.isRefused { return .refused }
            if search.best != nil { allowed.insert(other) }
        }
        if allowed.isEmpty { return .notFound }
        if allowed.contains(.get) { allowed.insert(.head) }
        return .methodNotAllowed(allow: allowed.sorted { $0.rawValue < $1.rawValue })
    }
}

extension RouteTable {
    /// The result of a search.
    package enum Outcome: Sendable, Equatable {
        /// `index` is the route's index in the list that the table was made of.
        case route(index: Int, parameters: RouteParameters)
        case notFound
        /// The path has routes, but none for the method. `allow` is sorted by name, and contains HEAD if it contains
        /// GET.
        case methodNotAllowed(allow: [HTTPRequest.Method])
        /// An expression needed more backtracking than is allowed for one path.
        case refused
    }
}

/// What a search in the index has found so far.
private struct RouteSearch {
    let path: UnsafeBufferPointer<UInt8>
    /// The earliest route that matches.
    var best: Int32?
    var parameters = RouteParameters()
    /// Whether a match has exceeded its limits.
    var isRefused = false

    init(path: UnsafeBufferPointer<UInt8>) {
        self.path = path
    }

    func accepts(_ route: Int32) -> Bool {
        guard let best else { return true }
        return route < best
    }
}

// In the table and not in the search, which would have to store the table and count references to its arrays.
extension RouteTable {
    /// Visits a node and the nodes below it.
    ///
    /// The nodes are a tree, of which the index stores equal branches only once: each visit is that of another branch,
    /// and a branch whose routes all come after the one found is not visited. Whatever the path, it costs no more
    /// visits and matches than the manifest has segments and routes.
    ///
    /// - Parameters:
    ///   - offset: the offset of the slash after the node's segment, or of the path's end.
    ///   - inherited: the earliest route of the parent.
    private func visit(
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

/// The memory that one worker thread needs to match routes, which every match of that thread uses again.
package final class RouteMatcher {
    fileprivate let matcher: Matcher

    /// - Parameter matchLimit: the number of backtracking steps that one expression may take before the path is
    ///   refused.
    /// - Throws: if there is not enough memory.
    package init(matchLimit: UInt32 = 100_000) throws {
        matcher = try Matcher(matchLimit: matchLimit, depthLimit: matchLimit)
    }
}

/// The parameters of a matched route: names as in its pattern, values percent-decoded.
package struct RouteParameters: Sendable, Equatable, Sequence {
    package typealias Element = (name: String, value: String)

    /// In the order of the pattern.
    package private(set) var pairs: [Element] = []

    package init() {}

    init(capacity: Int) {
        pairs.reserveCapacity(capacity)
    }

    mutating func append(name: String, value: String) {
        pairs.append((name, value))
    }

    package var count: Int { pairs.count }
    package var isEmpty: Bool { pairs.isEmpty }

    /// The value of a parameter; nil if the route has no such parameter, or its group was not part of the match.
    package subscript(name: String) -> String? {
        pairs.first { $0.name == name }?.value
    }

    package func makeIterator() -> IndexingIterator<[Element]> {
        pairs.makeIterator()
    }

    package static func == (one: RouteParameters, other: RouteParameters) -> Bool {
        one.pairs.elementsEqual(other.pairs, by: ==)
    }
}

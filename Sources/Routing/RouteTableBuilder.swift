internal import HTTPTypes
internal import PCRE

/// Builds a table: routes into a tree of segments, each node's routes into programs, their expressions compiled.
struct RouteTableBuilder {
    private struct Key: Hashable {
        let parent: Int32
        let segment: [UInt8]
    }

    /// A node's routes, by their place in the manifest.
    private struct Bucket {
        var exact: [Int] = []
        var tail: [Int] = []
        /// No segment on the way to the node has a parameter.
        var isLiteral: Bool
    }

    private(set) var methods: [(method: HTTPRequest.Method, root: Int32)] = []
    private(set) var programs: [RouteProgram] = []
    private(set) var sets: [RouteProgram.Set] = []
    private(set) var choices: [RouteProgram.Choice] = []
    private(set) var captures: [RoutePattern.Capture] = []
    private(set) var expressions: [CompiledPattern] = []

    private let patterns: [RoutePattern]
    private var nodes: [RouteIndex.Node]
    private var buckets: [Bucket]
    private var children: [Key: Int32] = [:]
    private var expressionNumbers: [String: Int32] = [:]
    private var captureStarts: [[RoutePattern.Capture]: Int32] = [:]
    /// Keyed by the exact and the tail programs.
    private var setNumbers: [[[RouteProgram]]: Int32] = [:]

    init(_ routes: [(methods: [HTTPRequest.Method], pattern: RoutePattern)]) {
        patterns = routes.map(\.pattern)
        // The first node is nobody's: 0 says that there is no child.
        nodes = [RouteIndex.Node()]
        buckets = [Bucket(isLiteral: true)]
        for (number, route) in routes.enumerated() {
            let steps = route.pattern.steps
            for method in Set(route.methods).sorted(by: { $0.rawValue < $1.rawValue }) {
                add(number, steps: steps, takesRest: route.pattern.takesRest, root: root(of: method))
            }
        }
    }

    private mutating func root(of method: HTTPRequest.Method) -> Int32 {
        if let known = methods.first(where: { $0.method == method }) { return known.root }
        let root = addNode(isLiteral: true)
        methods.append((method, root))
        return root
    }

    private mutating func addNode(isLiteral: Bool) -> Int32 {
        nodes.append(RouteIndex.Node())
        buckets.append(Bucket(isLiteral: isLiteral))
        return Int32(nodes.count - 1)
    }

    private mutating func add(_ route: Int, steps: [[UInt8]?], takesRest: Bool, root: Int32) {
        var node = root
        noteRoute(route, at: node)
        for step in steps {
            node = step.map { literalChild(of: node, $0) } ?? parameterChild(of: node)
            noteRoute(route, at: node)
        }
        if takesRest {
            buckets[Int(node)].tail.append(route)
        } else {
            buckets[Int(node)].exact.append(route)
        }
    }

    private mutating func noteRoute(_ route: Int, at node: Int32) {
        nodes[Int(node)].earliestRoute = min(nodes[Int(node)].earliestRoute, Int32(route))
    }

    private mutating func literalChild(of parent: Int32, _ segment: [UInt8]) -> Int32 {
        let key = Key(parent: parent, segment: segment)
        if let child = children[key] { return child }
        let child = addNode(isLiteral: buckets[Int(parent)].isLiteral)
        children[key] = child
        return child
    }

    private mutating func parameterChild(of parent: Int32) -> Int32 {
        let known = nodes[Int(parent)].parameterChild
        if known != 0 { return known }
        let child = addNode(isLiteral: false)
        nodes[Int(parent)].parameterChild = child
        return child
    }

    mutating func makeIndex() throws(PCREError) -> RouteIndex {
        for number in buckets.indices {
            let bucket = buckets[number]
            let earliest = nodes[number].earliestRoute
            var exact: [RouteProgram] = []
            if bucket.isLiteral, let first = bucket.exact.first {
                // The others at this node have the same literals, and come later.
                exact.append(program(expression: -1, [first], earliest))
            } else {
                exact = try makePrograms(for: bucket.exact, earliest)
            }
            nodes[number].programs = setNumber(exact, try makePrograms(for: bucket.tail, earliest))
        }
        return RouteIndex(
            nodes: nodes,
            children: children.map { (parent: $0.parent, segment: $0.segment, child: $1) })
    }

    private mutating func makePrograms(
        for routes: [Int], _ earliest: Int32
    ) throws(PCREError) -> [RouteProgram] {
        var made = try alternations(of: routes.filter { !patterns[$0].standsAlone }[...], earliest)
        for route in routes where patterns[route].standsAlone {
            let pattern = patterns[route]
            let expression = try compile(pattern.expression)
            made.append(program(expression: expression, mountLength: pattern.mountLength, [route], earliest))
        }
        return made
    }

    /// One alternation for all, or for each half where PCRE2 cannot compile so large a one.
    private mutating func alternations(
        of routes: ArraySlice<Int>, _ earliest: Int32
    ) throws(PCREError) -> [RouteProgram] {
        guard !routes.isEmpty else { return [] }
        let alternatives = routes.enumerated().map { "\(patterns[$1].expression)(*MARK:\($0))" }
        do {
            let expression = try compile("(?|\(alternatives.joined(separator: "|")))")
            return [program(expression: expression, routes, earliest)]
        } catch {
            guard error.isPatternTooLarge, routes.count > 1 else { throw error }
            let middle = routes.startIndex + routes.count / 2
            return try alternations(of: routes[..<middle], earliest) + alternations(of: routes[middle...], earliest)
        }
    }

    private mutating func compile(_ expression: String) throws(PCREError) -> Int32 {
        if let known = expressionNumbers[expression] { return known }
        expressions.append(try CompiledPattern(expression, options: ExpressionScanner.options))
        let number = Int32(expressions.count - 1)
        expressionNumbers[expression] = number
        return number
    }

    private mutating func program(
        expression: Int32, mountLength: Int = 0, _ routes: ArraySlice<Int>, _ earliest: Int32
    ) -> RouteProgram {
        let made = routes.map { route in
            RouteProgram.Choice(route: Int32(route), captures: capturesRange(patterns[route].captures))
        }
        let isNodesEarliest = made.count == 1 && made[0].route == earliest
        defer {
            if !isNodesEarliest { choices += made }
        }
        return RouteProgram(
            expression: expression, mountLength: Int32(mountLength),
            choices: isNodesEarliest ? -1 : Int32(choices.count),
            captures: isNodesEarliest ? made[0].captures : RouteProgram.Captures(start: 0, count: 0))
    }

    private mutating func capturesRange(_ list: [RoutePattern.Capture]) -> RouteProgram.Captures {
        let start = captureStarts[list] ?? Int32(captures.count)
        if captureStarts.updateValue(start, forKey: list) == nil { captures += list }
        return RouteProgram.Captures(start: start, count: Int32(list.count))
    }

    private mutating func setNumber(_ exact: [RouteProgram], _ tail: [RouteProgram]) -> Int32 {
        if let known = setNumbers[[exact, tail]] { return known }
        let start = programs.count
        programs += exact
        programs += tail
        sets.append(
            RouteProgram.Set(exact: start..<(start + exact.count), tail: (start + exact.count)..<programs.count))
        let number = Int32(sets.count - 1)
        setNumbers[[exact, tail]] = number
        return number
    }
}

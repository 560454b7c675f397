internal import PostludePCRE

/// Makes programs from routes, and compiles each of their expressions only once.
struct RouteCompiler {
    private(set) var programs: [RouteProgram] = []
    private(set) var sets: [RouteProgram.Set] = []
    private(set) var choices: [RouteProgram.Choice] = []
    private(set) var captures: [RoutePattern.Capture] = []
    private(set) var expressions: [CompiledPattern] = []

    private let patterns: [RoutePattern]
    private var expressionNumbers: [String: Int32] = [:]
    private var captureStarts: [[RoutePattern.Capture]: Int32] = [:]
    /// The numbers of sets, by their exact and tail programs.
    private var setNumbers: [[[RouteProgram]]: Int32] = [:]

    init(_ patterns: [RoutePattern]) {
        self.patterns = patterns
    }

    /// Returns the number of a node's set of programs; -1 if it has none.
    ///
    /// - Parameters:
    ///   - exact: the routes whose paths end at the node, in their order.
    ///   - tail: the routes whose paths continue after the node.
    ///   - isLiteral: whether no segment on the way to the node has a parameter.
    ///   - earliest: the earliest route in the node and below it.
    mutating func programs(
        exact: [Int], tail: [Int], isLiteral: Bool, earliest: Int32
    ) throws(PCREError) -> Int32 {
        var programs: [RouteProgram] = []
        if isLiteral, let first = exact.first {
            // The others at this node have the same literals, and come later.
            programs.append(program(expression: -1, [first], earliest))
        } else {
            programs = try makePrograms(for: exact, earliest)
        }
        return setNumber(programs, try makePrograms(for: tail, earliest))
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

    /// Makes one alternation of all routes, or of each half if it is too large for PCRE2.
    private mutating func alternations(
        of routes: ArraySlice<Int>, _ earliest: Int32
    ) throws(PCREError) -> [RouteProgram] {
        guard let first = routes.first else { return [] }
        guard routes.count > 1 else {
            return [program(expression: try compile(patterns[first].expression), routes, earliest)]
        }
        let alternatives = routes.enumerated().map { "\(patterns[$1].expression)(*MARK:\($0))" }
        do {
            let expression = try compile("(?|\(alternatives.joined(separator: "|")))")
            return [program(expression: expression, routes, earliest)]
        } catch {
            guard error.isPatternTooLarge else { throw error }
            let middle = routes.startIndex + routes.count / 2
            return try alternations(of: routes[..<middle], earliest)
                + alternations(of: routes[middle...], earliest)
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
        if exact.isEmpty, tail.isEmpty { return -1 }
        if let known = setNumbers[[exact, tail]] { return known }
        let start = programs.count
        programs += exact
        programs += tail
        sets.append(
            RouteProgram.Set(
                exact: start..<(start + exact.count), tail: (start + exact.count)..<programs.count))
        let number = Int32(sets.count - 1)
        setNumbers[[exact, tail]] = number
        return number
    }
}

/// One match at a node of the index, which decides between some of the node's routes.
///
/// It does not contain its node: ten thousand nodes that differ only in literals share one program.
struct RouteProgram: Sendable, Hashable {
    /// The expression's number in the table's list; -1 if the index has decided already, as for literals alone.
    let expression: Int32
    /// The number of bytes of the path before the expression's subject: a raw expression's mount prefix.
    let mountLength: Int32
    /// The index in the table's list of choices at which the program's routes begin, the earliest first; a mark selects one
    /// of them. -1 if the program has a single route, the earliest of its node.
    let choices: Int32
    /// The captures of that one route.
    let captures: Captures

    /// A range of the table's list of captures.
    struct Captures: Sendable, Hashable {
        let start: Int32
        let count: Int32
    }

    /// A route that a mark can choose.
    struct Choice: Sendable {
        let route: Int32
        let captures: Captures
    }

    /// A node's programs, as ranges of the table's list.
    struct Set: Sendable {
        /// For paths that end at the node.
        let exact: Range<Int>
        /// For paths that continue after the node, with any segments.
        let tail: Range<Int>
    }
}

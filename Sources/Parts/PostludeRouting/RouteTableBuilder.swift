internal import HTTPTypes
internal import PostludePCRE

/// Builds the index of a table: a tree of segments from its routes, and programs from the routes of each node.
struct RouteTableBuilder {
    private struct Key: Hashable {
        let parent: Int32
        let segment: [UInt8]
    }

    /// The routes of a node, by their index in the manifest.
    private struct Bucket {
        var exact: [Int] = []
        var tail: [Int] = []
        /// Whether no segment on the way to the node has a parameter.
        var isLiteral: Bool
    }

    private(set) var methods: [(method: HTTPRequest.Method, root: Int32)] = []
    private(set) var compiler: RouteCompiler
    private var nodes: [RouteIndex.Node]
    private var buckets: [Bucket]
    private var isUsed: [Bool]
    private var children: [Key: Int32] = [:]

    init(_ routes: [(methods: [HTTPRequest.Method], pattern: RoutePattern)]) {
        compiler = RouteCompiler(routes.map(\.pattern))
        // The first node is not used, since 0 means that there is no child.
        nodes = [RouteIndex.Node()]
        buckets = [Bucket(isLiteral: true)]
        isUsed = [true]
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
        isUsed.append(true)
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
        nodes[Int(parent)].hasLiteralChildren = true
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
            nodes[number].programs = try compiler.programs(
                exact: bucket.exact, tail: bucket.tail, isLiteral: bucket.isLiteral,
                earliest: nodes[number].earliestRoute)
        }
        shareParameterChildren()
        return RouteIndex(
            nodes: nodes, isUsed: isUsed, roots: methods.map(\.root),
            children: children.map { (parent: $0.parent, segment: $0.segment, child: $1) })
    }

    /// Merges nodes that differ only in their route, as the `{id:int}` of ten thousand routes do.
    private mutating func shareParameterChildren() {
        struct Content: Hashable {
            let programs: Int32
            let parameterChild: Int32
        }
        var shared: [Content: Int32] = [:]
        // Children come after their parents: in reverse order, the nodes below a node are shared already.
        for parent in nodes.indices.reversed() {
            let number = nodes[parent].parameterChild
            let child = nodes[Int(number)]
            guard number != 0, !child.hasLiteralChildren, child.earliestRoute == nodes[parent].earliestRoute
            else { continue }
            let content = Content(programs: child.programs, parameterChild: child.parameterChild)
            let same = shared[content] ?? number
            shared[content] = same
            nodes[parent].parameterChild = same
            nodes[Int(same)].earliestRoute = -1
            isUsed[Int(number)] = number == same
        }
    }
}

import Glibc
import HTTPTypes
import PostludeRouting

// Measures the cost of a match with 10, 100, 1,000 and 10,000 routes, and prints lines of `routes
// ns_per_match`. A tenth of the routes begin with a parameter; the others share their first two segments.

/// A route table, and the paths to look up in it, in random order over all of its routes.
struct Subject {
    let routeCount: Int
    let table: RouteTable
    let routes: [Int]
    var nanoseconds: [Double] = []
}

struct WrongRoute: Error, CustomStringConvertible {
    let description: String
}

/// The number of requests is the same for every table, so that only the tables differ in size.
let requestCount = 10_000

/// How many requests one measurement covers: few enough that the system seldom interrupts it.
let batchSize = 100

/// How many times each round goes through all of the tables in turn.
let passesPerRound = 10

func beginsWithParameter(_ route: Int) -> Bool {
    route % 10 == 9
}

/// Paths have the same length for every route of every table.
func name(_ route: Int) -> Int {
    10_000 + route
}

func makeSubject(routeCount: Int, random: inout some RandomNumberGenerator) throws -> Subject {
    let table = try RouteTable(
        (0..<routeCount).map { route in
            let pattern =
                beginsWithParameter(route)
                ? "/{tenant}/reports-\(name(route))/{id:int}" : "/api/v1/resource-\(name(route))/{id:int}"
            return (methods: [.get], pattern: try RoutePattern(pattern))
        })
    // Each route is matched as often as the others.
    let routes = (0..<requestCount).map { $0 % routeCount }.shuffled(using: &random)
    return Subject(routeCount: routeCount, table: table, routes: routes)
}

func makePath(of route: Int, id: Int) throws -> RoutePath {
    let uri =
        beginsWithParameter(route)
        ? "/tenant-\(id % 100)/reports-\(name(route))/\(id)" : "/api/v1/resource-\(name(route))/\(id)"
    return try RoutePath(requestURI: uri.utf8)
}

/// Returns the time of each batch, in nanoseconds per match.
func measure(_ subject: Subject, matcher: RouteMatcher) throws -> [Double] {
    try stride(from: 0, to: requestCount, by: batchSize).map { start in
        // In a server, a path has just been read and is in the cache. A list of all paths would evict the
        // table from the caches, and the measurement would include fetching the paths.
        let batch = try (start..<(start + batchSize)).map { number in
            let route = subject.routes[number]
            return (path: try makePath(of: route, id: number * 7_919 % 100_000), route: route)
        }
        let duration = try ContinuousClock().measure {
            for (path, route) in batch {
                guard case .route(route, _) = subject.table.route(.get, path, using: matcher) else {
                    throw WrongRoute(
                        description: "a path of route \(route) of \(subject.routeCount) led elsewhere")
                }
            }
        }
        return duration / .nanoseconds(batchSize)
    }
}

func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
}

guard let rounds = Int(CommandLine.arguments.dropFirst().first ?? "3"), 1...1_000 ~= rounds else {
    print("usage: RouteBenchmark [ROUNDS]")
    exit(2)
}

var random = SystemRandomNumberGenerator()
let matcher = try RouteMatcher()
var subjects = try [10, 100, 1_000, 10_000].map { try makeSubject(routeCount: $0, random: &random) }
for round in 0...(rounds * passesPerRound) {
    for index in subjects.indices {
        let batches = try measure(subjects[index], matcher: matcher)
        // The first pass only warms up.
        if round > 0 {
            subjects[index].nanoseconds += batches
        }
    }
}
for subject in subjects {
    print(subject.routeCount, median(subject.nanoseconds))
}

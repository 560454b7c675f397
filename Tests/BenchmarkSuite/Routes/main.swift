import Glibc
import HTTPTypes
import PostludeRouting

// What a match costs with 10, 100, 1,000 and 10,000 routes: prints lines of `routes ns_per_match`.
// A tenth of the routes begin with a parameter; the others share their first two segments.

/// A table with the routes whose paths are looked up in it, in random order over all of them.
struct Subject {
    let routeCount: Int
    let table: RouteTable
    let routes: [Int]
    var nanoseconds: [Double] = []
}

struct WrongRoute: Error, CustomStringConvertible {
    let description: String
}

/// The same number of requests for every table, so that only the tables differ in size.
let requestCount = 10_000

/// How many requests a time is taken of: short enough that the system seldom interrupts it.
let batchSize = 100

/// How often each round goes through all the tables in turn.
let passesPerRound = 10

func beginsWithParameter(_ route: Int) -> Bool {
    route % 10 == 9
}

/// As long for every route of every table.
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
    // Every route as often as the others.
    let routes = (0..<requestCount).map { $0 % routeCount }.shuffled(using: &random)
    return Subject(routeCount: routeCount, table: table, routes: routes)
}

func makePath(of route: Int, id: Int) throws -> RoutePath {
    let uri =
        beginsWithParameter(route)
        ? "/tenant-\(id % 100)/reports-\(name(route))/\(id)" : "/api/v1/resource-\(name(route))/\(id)"
    return try RoutePath(requestURI: uri.utf8)
}

/// Returns the time of each batch, in nanoseconds for one match.
func measure(_ subject: Subject, matcher: RouteMatcher) throws -> [Double] {
    try stride(from: 0, to: requestCount, by: batchSize).map { start in
        // As in a server, a path has just been read. A list of all of them would fill the caches instead of
        // the table, and fetching it would be measured.
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

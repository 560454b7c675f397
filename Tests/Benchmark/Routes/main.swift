import Glibc
import HTTPTypes
import Routing

// What a match costs with 10, 100, 1,000 and 10,000 routes: prints lines of `routes ns_per_match`.
// A tenth of the routes begin with a parameter; the others share their first two segments.

/// A table with the paths that are looked up in it, and what each lookup must find.
struct Subject {
    let routeCount: Int
    let table: RouteTable
    let lookups: [(path: RoutePath, route: Int)]
    var nanoseconds: [Double] = []
}

struct WrongRoute: Error, CustomStringConvertible {
    let description: String
}

/// The same number of paths for every table, so that only the tables differ in size.
let lookupCount = 10_000

/// How often each round goes through all the tables in turn.
let passesPerRound = 10

func beginsWithParameter(_ route: Int) -> Bool {
    route % 10 == 9
}

func makeSubject(routeCount: Int, random: inout some RandomNumberGenerator) throws -> Subject {
    let table = try RouteTable(
        (0..<routeCount).map { route in
            let pattern =
                beginsWithParameter(route)
                ? "/{tenant}/reports-\(route)/{id:int}" : "/api/v1/resource-\(route)/{id:int}"
            return (methods: [.get], pattern: try RoutePattern(pattern))
        })
    let lookups = try (0..<lookupCount).map { _ in
        let route = Int.random(in: 0..<routeCount, using: &random)
        let id = Int.random(in: 1...99_999, using: &random)
        let path =
            beginsWithParameter(route)
            ? "/tenant-\(id % 100)/reports-\(route)/\(id)" : "/api/v1/resource-\(route)/\(id)"
        return (path: try RoutePath(requestURI: Array(path.utf8)), route: route)
    }
    return Subject(routeCount: routeCount, table: table, lookups: lookups)
}

func lookUpAll(_ subject: Subject, matcher: RouteMatcher) throws {
    for lookup in subject.lookups {
        guard case .route(let index, _) = subject.table.route(.get, lookup.path, using: matcher),
            index == lookup.route
        else {
            throw WrongRoute(
                description: "a path of route \(lookup.route) of \(subject.routeCount) led elsewhere")
        }
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
        let duration = try ContinuousClock().measure { try lookUpAll(subjects[index], matcher: matcher) }
        // The first pass only warms up.
        if round > 0 {
            subjects[index].nanoseconds.append(duration / .nanoseconds(lookupCount))
        }
    }
}
for subject in subjects {
    print(subject.routeCount, median(subject.nanoseconds))
}

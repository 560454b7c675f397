import Postlude

struct DataQuery: Decodable {
    var series: String?
}

extension AnalyticsApplication {
    /// `GET /api/data?series=…`: what the API is there for.
    func data(query: Query<DataQuery>, request: Request, tasks: BackgroundTasks) throws -> Response {
        try logged(request, tasks) {
            let name = query.series ?? Series.temperature.name
            guard let series = Series.all.first(where: { $0.name == name }) else {
                // Returned and not thrown: an error that is thrown drops the tasks, and this access is one to
                // count.
                return try .json(["detail": "There is no series of this name"], status: .notFound)
            }
            return try .json(series)
        }
    }
}

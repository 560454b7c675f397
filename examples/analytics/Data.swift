import Postlude

struct DataQuery: Decodable {
    var series: String?
}

extension AnalyticsApplication {
    /// `GET /api/data?series=…`: the purpose of the API.
    func data(query: Query<DataQuery>, request: Request, tasks: BackgroundTasks) throws -> Response {
        try logged(request, tasks) {
            let name = query.series ?? Series.temperature.name
            guard let series = Series.all.first(where: { $0.name == name }) else {
                // Returned, not thrown: a thrown error drops the tasks, and this access counts.
                return try .json(["detail": "There is no series of this name"], status: .notFound)
            }
            return try .json(series)
        }
    }
}

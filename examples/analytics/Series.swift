/// A quantity that was measured every two hours of a day.
struct Series: Encodable, Sendable {
    var name: String
    var unit: String
    var values: [Double]

    static let temperature = Series(
        name: "temperature", unit: "°C",
        values: [11.2, 10.4, 9.8, 9.9, 12.6, 15.8, 18.3, 19.7, 19.1, 16.9, 14.2, 12.5])
    static let humidity = Series(
        name: "humidity", unit: "%", values: [81, 84, 88, 87, 76, 63, 54, 49, 51, 60, 70, 77])

    static let all = [temperature, humidity]
}

/// The format in which an application's values are written as JSON. ``Application/json`` sets it for all responses.
///
/// ```swift
/// struct Clock: Application {
///     var json: JSONFormat { JSONFormat(dateFraction: .milliseconds) }
///
///     var handlers: Handlers {
///         Handler("time") { ["now": Date()] }  // {"now":"2030-01-31T12:00:00.250Z"}
///     }
/// }
/// ```
///
/// A `Date` is written in UTC as RFC 3339 has it, in the proleptic Gregorian calendar; one outside of the years 0001 to
/// 9999 is an error. A `UUID` is in lower case (RFC 9562, 4), `Data` in Base64, a `URL` its text, a `Decimal` a number with
/// all of its digits. Members are sorted by name, so that equal values make equal bodies.
public struct JSONFormat: Hashable, Sendable {
    /// How many digits of a second dates have. The nearest microsecond is the finest that is written.
    public enum DateFraction: Hashable, Sendable {
        /// None for a whole second, otherwise three if they suffice, otherwise six.
        case asNeeded
        /// None: whole seconds.
        case none
        /// Always three.
        case milliseconds
        /// Always six.
        case microseconds
    }

    /// How many digits of a second dates have.
    public var dateFraction: DateFraction

    /// - Parameter dateFraction: how many digits of a second dates have.
    public init(dateFraction: DateFraction = .asNeeded) { self.dateFraction = dateFraction }

    /// Returns a value as JSON text.
    ///
    /// - Throws: what the value's `encode(to:)` throws; `EncodingError` for a value that JSON cannot represent.
    package func encode(_ value: some Encodable) throws -> [UInt8] {
        let part = JSONPart()
        try JSONPartEncoder(part, format: self).encode(value)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(128)
        part.write(to: &bytes)
        return bytes
    }

    /// nil for as many as are needed.
    var fractionDigits: Int? {
        switch dateFraction {
        case .asNeeded: nil
        case .none: 0
        case .milliseconds: 3
        case .microseconds: 6
        }
    }
}

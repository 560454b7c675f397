/// How many digits of a second are written.
package enum DateFraction: Sendable, Hashable {
    /// None for a whole second, else three where they suffice, else six.
    case asNeeded
    /// This many, at most nine; what is left is cut.
    case digits(Int)
}

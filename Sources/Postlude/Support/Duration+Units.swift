extension Duration {
    /// Returns a duration of minutes.
    public static func minutes(_ minutes: Int) -> Duration { .seconds(60) * minutes }

    /// Returns a duration of hours.
    public static func hours(_ hours: Int) -> Duration { .seconds(3600) * hours }

    /// Returns a duration of days of 24 hours: it does not follow a clock that is put forward or back.
    public static func days(_ days: Int) -> Duration { .seconds(86_400) * days }
}

/// What a multipart body may make the server hold in memory. Its files are bounded by the route's `limits.body`.
struct MultipartLimits {
    /// Bytes of one part's header fields.
    var head = 8 << 10
    var parts = 1_000
    /// Bytes of all text fields together.
    var text = 1 << 20
}

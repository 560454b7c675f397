/// What a multipart body may make the server hold. The size of its files is bounded by the route's `limits.body`.
struct MultipartLimits {
    /// Bytes of one part's header fields.
    var head = 8 << 10
    var parts = 1_000
    /// Each one holds a descriptor until the request's last task has ended.
    var files = 100
    /// Bytes of all text fields together.
    var text = 1 << 20
}

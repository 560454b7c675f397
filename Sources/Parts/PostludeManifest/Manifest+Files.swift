extension Manifest {
    /// Where files are that the web server sends for the application.
    package struct Files: Sendable, Hashable {
        /// The folder: an absolute path without `..` and without a slash at the end.
        package var root: String
        /// The URL path, between slashes, of nginx's `internal` location whose alias is `root`.
        package var `internal`: String
    }

    /// Where uploaded files are kept while their requests last.
    package struct Uploads: Sendable, Hashable {
        /// An absolute path without a slash at the end. `/tmp` may be memory, so it is not the default.
        package var folder = "/var/tmp"

        package init() {}
    }
}

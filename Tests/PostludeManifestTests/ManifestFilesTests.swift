import PostludeManifest
import Testing

@Suite("Files and uploads of a manifest")
struct ManifestFilesTests {
    @Test(
        "Folders are normalised",
        arguments: [
            ("/srv/files/", "/srv/files"), ("//srv/./files//", "/srv/files"), ("/a..b/...", "/a..b/..."),
        ])
    func folders(written: String, folder: String) throws {
        let yaml = manifest("files: { root: \(written), internal: /x/ }\nuploads: { folder: \(written) }")
        #expect(try parse(yaml).files?.root == folder)
        #expect(try parse(yaml).uploads.folder == folder)
    }

    @Test("A task store has times that have defaults, and a path unless the application names it")
    func taskStore() throws {
        #expect(try parse(manifest("")).taskStore == nil)
        let taskStore = try #require(
            try parse(manifest("task-store: { path: /srv//tasks, keep: 1h }")).taskStore)
        #expect(taskStore.path == "/srv/tasks")
        #expect(taskStore.keep == .seconds(3600) && !taskStore.isServer)
        let server = try #require(
            try parse(manifest("task-store: { path: 'postgresql://a:b@/c//d?host=/run' }")).taskStore)
        #expect(server.path == "postgresql://a:b@/c//d?host=/run" && server.isServer)
        #expect(taskStore.keepFailed == .seconds(30 * 86_400))
        #expect(taskStore.location?.description == "routes.yaml:1:21")
        let unnamed = try #require(try parse(manifest("task-store: { keep: 168h }")).taskStore)
        #expect(unnamed.path == nil && unnamed.keep == .seconds(7 * 86_400))
        #expect(unnamed.location?.description == "routes.yaml:1:13")
    }

    @Test(
        "A wrong value is reported with what was found and what was expected",
        arguments: [
            ("files: { root: /srv }", "1:8: `files` has no `internal`, expected both `root` and `internal`"),
            ("files: { internal: /a/ }", "1:8: `files` has no `root`, expected both `root` and `internal`"),
            (
                "files: { root: /srv/../etc, internal: /a/ }",
                "1:16: found `/srv/../etc` for `root`, expected an absolute path without `..` such "
                    + "as /srv/files"
            ),
            (
                "files: { root: /, internal: /a/ }",
                "1:16: found `/` for `root`, expected an absolute path without `..` such as /srv/files"
            ),
            (
                "files: { root: \"/a\\0b\", internal: /a/ }",
                "1:16: found `/a\\0b` for `root`, expected an absolute path without `..` such as /srv/files"
            ),
            (
                "files: { root: /srv, internal: /a }",
                "1:32: found `/a` for `internal`, expected a URL path between slashes such "
                    + "as /protected/"
            ),
            (
                "files: { root: /srv, internal: \"/a\\r\\nb/\" }",
                "1:32: found `/a\\r\\nb/` for `internal`, expected a URL path between slashes such "
                    + "as /protected/"
            ),
            (
                "uploads: { folder: tmp }",
                "1:20: found `tmp` for `folder`, expected an absolute path without `..` such as /var/tmp"
            ),
            (
                "task-store: { path: tasks.sqlite }",
                "1:21: found `tasks.sqlite` for `path`, expected an absolute path without `..` such as "
                    + "/var/lib/app/tasks.sqlite"
            ),
            (
                "task-store: { path: /a, keep: 1 }",
                "1:31: found the number 1 for `keep`, expected a duration with a unit "
                    + "(ms, s, m or h) such as 30s"
            ),
            (
                "uploads: { foldr: /tmp }",
                "1:12: unknown key `foldr` in `uploads` (nearest: folder), expected folder"
            ),
        ])
    func wrong(yaml: String, expected: String) {
        #expect(mistakes(manifest(yaml)) == ["routes.yaml:" + expected])
    }
}

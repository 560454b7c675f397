import PostludeManifest
import Testing

@Suite("Corrections of a manifest")
struct ManifestFixTests {
    /// The text after one round of corrections, and their positions.
    private func corrected(_ text: String, environment: [String: String] = [:]) -> (String, [String]) {
        let reading = Manifest.read(
            text, file: "routes.yaml", handlers: handlers, middleware: middleware, environment: environment)
        let fixes = reading.mistakes.compactMap(\.fix)
        let places = fixes.map { "\($0.position.line):\($0.position.column) \($0.old) \($0.new)" }
        return (Manifest.text(text, applying: fixes), places)
    }

    @Test(
        "misspelled keys, missing slashes and methods in lower case are corrected, and nothing else changes")
    func corrections() throws {
        let text = """
            # The shop\r
            prefix: "api"   # é
            wokers: { min: 1 }
            routes:
              - { pth: items, metod: GET, handler: home }   # first
              - 'path': 'b'
                method: get
                Handler:   home

            """
        let (fixed, places) = corrected("\u{FEFF}" + text)
        #expect(
            fixed == "\u{FEFF}" + """
                # The shop\r
                prefix: "/api"   # é
                workers: { min: 1 }
                routes:
                  - { path: items, method: GET, handler: home }   # first
                  - 'path': '/b'
                    method: GET
                    handler:   home

                """)
        #expect(
            places == [
                "2:10 api /api", "3:1 wokers workers", "5:7 pth path", "5:19 metod method", "6:14 b /b",
                "7:13 get GET", "8:5 Handler handler",
            ])
        // The path of a misspelled key is read in the next round.
        let (again, last) = corrected(fixed)
        #expect(last == ["5:13 items /items"])
        #expect(try parse(again).routes.map { "\($0.pattern)" } == ["/api/items", "/api/b"])
    }

    @Test(
        "what may be meant in two ways, or is there already, is not corrected",
        arguments: [
            "prefix: /api\nprefx: /b", "log: { levels: info, to: stderr, level: info }", "timeouts: 3s",
            "workers: { m: 1 }", "limits: { body: 1KiB }\nroutez: []",
        ])
    func uncertain(settings: String) {
        #expect(corrected(manifest(settings)).1.isEmpty)
    }

    @Test("a value of a variable, one with escapes, and one in a block are not in the file as they are")
    func otherForms() {
        #expect(corrected(manifest("prefix: ${P}"), environment: ["P": "api"]).1.isEmpty)
        #expect(corrected(manifest("prefix: \"a\\x70i\"")).1.isEmpty)
        #expect(corrected(manifest("prefix: >-\n  api")).1.isEmpty)
    }

    @Test("a slash is not added to what is not a path then")
    func noPath() {
        #expect(corrected("routes: [{ path: 'a{', method: GET, handler: home }]").1.isEmpty)
        #expect(corrected("routes: [{ path: '', method: GET, handler: home }]").1.isEmpty)
    }
}

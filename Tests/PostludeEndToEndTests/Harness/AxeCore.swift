import Foundation

/// The checker of accessibility, which Tests/install-python-packages installs.
enum AxeCore {
    static func script() throws -> String {
        let command = try Command(
            BuildProducts.repository + "/.build/python/bin/python",
            ["-c", "import axe_core_python, sys; sys.stdout.write(axe_core_python.__path__[0])"],
            in: try TestFolder())
        return try String(contentsOfFile: command.output + "/axe.min.js", encoding: .utf8)
    }

    /// Returns what axe-core finds in the page, one line for each rule; empty if that is nothing.
    static func violations(in page: BrowserPage, _ script: String) throws -> String {
        try page.run(script)
        return try page.evaluate(
            """
            axe.run().then(found => found.violations.map(one => \
            one.id + ': ' + one.nodes.map(node => node.html.slice(0, 200)).join(', ')).join('\\n'))
            """)
    }
}

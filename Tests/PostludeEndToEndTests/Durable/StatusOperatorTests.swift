import Foundation
import Testing

/// The status page as an operator uses it: by keyboard, by screen reader, on a phone, in the dark.
///
/// A browser and a server cost seconds, so that the checks share them.
@Suite("The status page in the hands of an operator", .timeLimit(.minutes(10)))
struct StatusOperatorTests {
    private let axe: String

    init() throws { axe = try AxeCore.script() }

    @Test(
        "One request or task is found by its id, and tasks are paused, resumed and cancelled, all by keyboard; axe-core finds nothing"
    )
    func journey() throws {
        let folder = try TestFolder()
        let status = Endpoint.unix(folder.file("status.socket"))
        let settings = """
            workers: { min: 2, max: 4 }
            log: { access: { to: ./access.log } }
            status: { listen: \(status), mode: '0666', task-actions: true, operators: [ada] }
            """
        try DurableServer.run(settings, in: folder) { server in
            let dead = try add("/single?label=dead&failures=9", as: "req-dead", to: server)
            let waiting = try add("/single?label=later&key=k&after=3600000", as: "req-later", to: server)
            try waitUntil("the dead letter is there, and its request is logged") {
                let text = try StatusTests.get("/status.json?search=req-dead", at: status).text
                return text.contains(#""state":"failed""#) && text.contains("label=dead")
            }
            // Afterwards, since it keeps its worker, which may be the one that retries the other task.
            let peer = try server.peer()
            try peer.send(
                RawRequest("POST", "/single?label=runs&gate=go").with {
                    $0.parameters = [("REQUEST_ID", "req-runs")]
                })
            _ = try peer.reply()
            try NginxServer.run(to: server, locations: Self.locations(of: status)) { nginx in
                let address = "http://127.0.0.1:\(nginx.port)"
                try Browser.open("\(address)/ada/status") { page in
                    try page.wait(for: "document.getElementById('durable').innerText.includes('Step')")
                    try find(dead, in: page)
                    try quiet(page, server)
                    try pause(in: page)
                    try accessibility(page)
                    try cancel(waiting, in: page)
                    try stale(page)
                    try keyboard(page)
                    try guest(page, at: "\(address)/guest/status#find=\(dead)")
                }
            }
            try folder.open(gate: "go")
        }
    }

    private static func locations(of status: Endpoint) -> String {
        let users = ["ada", "guest"].map { user in
            """
            location /\(user)/ {
                fastcgi_pass unix:\(status);
                include \(BuildProducts.repository)/nginx/postlude_params;
                fastcgi_param REMOTE_USER \(user);
            }
            """
        }
        return "location / { @pass@ }\n" + users.joined(separator: "\n")
    }

    private func add(_ target: String, as request: String, to server: Server) throws -> String {
        let reply = try server.ask(
            RawRequest("POST", target).with { $0.parameters = [("REQUEST_ID", request)] })
        return try #require(try reply.http.json([String: [String]].self)["ids"]?.first)
    }

    private func button(_ label: String) -> String { "document.querySelector('[aria-label=\"\(label)\"]')" }

    private func text(_ id: String) -> String { "document.getElementById('\(id)').innerText" }

    // MARK: Finding

    private func find(_ dead: String, in page: BrowserPage) throws {
        try page.evaluate("void document.getElementById('id').focus()")
        try page.type(" req-dead ")
        try page.press(.enter)
        try page.wait(for: "document.activeElement.id == 'found-title'")
        #expect(try page.evaluate(text("found-title")) == "Request req-dead")
        let found = try page.evaluate(text("found"))
        #expect(found.contains(#""request_id":"req-dead""#), "the access line: \(found)")
        for part in [dead, "Refused", "label", "Failed attempts", "/single"] {
            #expect(found.contains(part), "\(part): \(found)")
        }
        #expect(try page.evaluate("document.querySelectorAll('#found article').length") == "1")
        #expect(try page.evaluate("document.querySelectorAll('#found tbody tr').length") == "3")
        #expect(try page.evaluate(text("said")) == "1 durable task, 1 line of the access log.")
        // Escape closes it, and the focus is in the field again.
        try page.press(.escape)
        #expect(try page.evaluate("document.getElementById('found').hidden") == "true")
        #expect(try page.evaluate("document.activeElement.id + location.hash") == "id")
        // By the task's id, and by a link.
        try page.evaluate("void (location.hash = '#find=\(dead)')")
        try page.wait(for: "\(text("found-title")) == 'Task \(dead)'")
        #expect(try page.evaluate(text("found")).contains(#""request_id":"req-dead""#))
        // What works on a request, and its button.
        try page.wait(for: "\(button("show request req-runs")) != null")
        try page.evaluate("void \(button("show request req-runs")).focus()")
        try page.press(.enter)
        try page.wait(for: "\(text("found")).includes('works on it: task Step')")
    }

    // MARK: Screen readers

    /// Live regions are silent while only numbers change.
    private func quiet(_ page: BrowserPage, _ server: Server) throws {
        try page.evaluate(
            """
            void (window.spoken = [], [...document.querySelectorAll('[role=status], [role=alert], [aria-live]')].forEach(region =>
              new MutationObserver(() => region.textContent && spoken.push(region.id + ' ' + region.textContent))
                .observe(region, { childList: true, characterData: true, subtree: true })))
            """)
        let problem = try page.evaluate(text("problems"))
        _ = try server.add("/single?label=b&failures=9")
        try page.wait(for: "\(text("problems")).includes('2 dead letters')")
        #expect(try page.evaluate(text("problems")) != problem)
        let requests = try page.evaluate(text("tiles"))
        _ = try server.ask(RawRequest("GET", "/hello"))
        try page.wait(for: "\(text("tiles")) != \(try quoted(requests))")
        #expect(try page.evaluate("spoken.join()") == "")
        let nodes = try page.spoken()
        for node in [
            "search ", "searchbox Id of a request or a task", "button Find", "table Busy workers",
            "region Problems", "region Request req-runs", "button Close", "button pause Step",
        ] {
            #expect(nodes.contains(node), "\(node) in \(nodes.sorted())")
        }
    }

    private func quoted(_ text: String) throws -> String {
        String(decoding: try JSONEncoder().encode(text), as: UTF8.self)
    }

    // MARK: Actions

    private func pause(in page: BrowserPage) throws {
        try page.evaluate("void (window.chosen = \(button("pause Step")), chosen.focus())")
        try page.press(.enter)
        try page.wait(for: "chosen.ariaLabel == 'resume Step'")
        #expect(try page.evaluate("document.activeElement == chosen") == "true")
        try page.wait(for: "\(text("durable")).includes('Step (paused)')")
        #expect(
            try page.evaluate("document.querySelector('table[aria-label=Paused]').innerText").contains("ada"))
        #expect(try page.evaluate(text("said")) == "Paused Step.")
        try page.press(.enter)
        try page.wait(for: "chosen.ariaLabel == 'pause Step'")
        #expect(try page.evaluate("document.querySelector('table[aria-label=Paused]').hidden") == "true")

        try page.evaluate("void find('req-later')")
        try page.wait(for: "\(text("found-title")) == 'Request req-later'")
        #expect(try page.evaluate(text("found")).contains("Due"))
        let key =
            "[...document.querySelectorAll('#found .buttons button')].find(one => one.innerText.endsWith('key'))"
        for (now, next) in [("pause key", "resume key"), ("resume key", "pause key")] {
            #expect(try page.evaluate("\(key).innerText") == now)
            try page.evaluate("void \(key).focus()")
            try page.press(.enter)
            try page.wait(for: "(\(key) || {}).innerText == '\(next)'")
            // The button is another one: the focus is at the task, and not lost.
            #expect(try page.evaluate("document.activeElement.closest('article') != null") == "true")
            if next == "resume key" {
                #expect(try page.evaluate(text("durable")).contains("Step k"))
                #expect(try page.evaluate("\(button("resume Step k")) != null") == "true")
            }
        }
    }

    private func cancel(_ waiting: String, in page: BrowserPage) throws {
        let cancel = button("cancel Step \(waiting)")
        let dialog = "document.getElementById('discard')"
        try page.evaluate("void \(cancel).focus()")
        try page.press(.enter)
        try page.wait(for: "\(dialog).open")
        #expect(try page.evaluate("document.activeElement.innerText") == "Keep it")
        #expect(try page.spoken().contains("dialog Cancel Step \(waiting)?"))
        // The focus stays in the dialog.
        for _ in 1...3 {
            try page.press(.tab)
            #expect(
                try page.evaluate(
                    "[document.body, ...document.querySelectorAll('dialog button')].includes(document.activeElement)"
                )
                    == "true")
        }
        #expect(try AxeCore.violations(in: page, axe) == "")
        try page.press(.escape)
        #expect(try page.evaluate("\(dialog).open") == "false")
        #expect(try page.evaluate("document.activeElement == \(cancel)") == "true")
        #expect(try page.evaluate(text("found")).contains("waiting"))
        try page.press(.enter)
        try page.evaluate("void document.getElementById('confirm').focus()")
        try page.press(.enter)
        try page.wait(for: "\(text("found")).includes('cancelled by ada')")
        #expect(try page.evaluate("document.activeElement.tagName") == "H3")
        #expect(try page.evaluate("\(cancel)") == "null")
        try page.evaluate("void document.querySelectorAll('#durable summary').forEach(one => one.click())")
        try page.wait(
            for:
                "document.querySelector('table[aria-label=\"Last changes\"]').innerText.includes('cancel \(waiting)')"
        )
    }

    // MARK: Light and dark, wide and narrow

    /// With problems, dead letters, an open group, history and what was found.
    private func accessibility(_ page: BrowserPage) throws {
        try page.evaluate("void document.querySelectorAll('#span button')[2].click()")
        try page.evaluate("void document.querySelector('#durable tbody button[aria-expanded]').click()")
        try page.wait(for: "document.querySelectorAll('.inner tbody tr').length == 2")
        try page.evaluate("void document.querySelectorAll('summary').forEach(one => one.click())")
        for (width, isDark) in [(320, true), (320, false), (1280, true), (1280, false)] {
            try page.resize(width: width, height: 800, isDark: isDark)
            #expect(try AxeCore.violations(in: page, axe) == "", "\(width), dark: \(isDark)")
            #expect(try page.evaluate("document.documentElement.scrollWidth <= \(width)") == "true")
            let wide = """
                [...document.querySelectorAll('body *')].filter(one => one.getBoundingClientRect().right > \(width) + 1 \
                && !one.closest('.unseen, thead')).map(one => one.outerHTML.slice(0, 200)).join('\\n')
                """
            #expect(try page.evaluate(wide) == "", "\(width)")
        }
        try page.evaluate("void document.querySelectorAll('summary').forEach(one => one.click())")
    }

    /// As if the task store could not be read.
    private func stale(_ page: BrowserPage) throws {
        try page.evaluate(
            """
            void (window.kept = window.fetch, window.fetch = async (address, options) => {
              const answer = await kept(address, options);
              if (!address.startsWith('status.json?history')) return answer;
              const report = await answer.json();
              report['durable tasks'].error = 'it is gone';
              return { ok: true, json: async () => report };
            })
            """)
        let colour = "getComputedStyle(document.querySelector('#durable td.name')).color"
        let black = try page.evaluate(colour)
        try page.wait(
            for: "\(text("durable")).includes('They cannot be read: it is gone. The figures are of ')")
        #expect(try page.evaluate(colour) != black)
        try page.evaluate("void (window.fetch = window.kept)")
        try page.wait(for: "\(text("durable")).includes('Kept by ') && \(colour) == '\(black)'")
    }

    // MARK: The keyboard

    /// Each Tab goes to the next element of the page, which can be seen to have the focus, and the last one leaves the page.
    private func keyboard(_ page: BrowserPage) throws {
        let all = """
            [...document.querySelectorAll('button, input, summary, a[href]')].filter(one => one.checkVisibility())
            """
        let count = try #require(Int(try page.evaluate("\(all).length")))
        #expect(count > 15)
        try page.evaluate("void \(all)[0].focus()")
        for index in 1..<count {
            try page.press(.tab)
            let state = try page.evaluate(
                """
                (() => {
                  const style = getComputedStyle(document.activeElement);
                  const box = document.activeElement.getBoundingClientRect();
                  const isSeen = box.bottom > 0 && box.top < innerHeight && style.outlineStyle == 'solid' && parseFloat(style.outlineWidth) >= 2;
                  return \(all).indexOf(document.activeElement) + ' ' + isSeen;
                })()
                """)
            let element = try page.evaluate("document.activeElement.outerHTML")
            #expect(state == "\(index) true", "\(element)")
        }
        try page.press(.tab)
        #expect(try page.evaluate("\(all).indexOf(document.activeElement) <= 0") == "true")
    }

    // MARK: Who may not act

    private func guest(_ page: BrowserPage, at address: String) throws {
        try page.load(address)
        try page.wait(for: "\(text("found")).includes('Refused')")
        try page.wait(for: "\(text("durable")).includes('Step')")
        #expect(try page.evaluate(text("user")) == "guest")
        #expect(!(try page.evaluate(text("found")).contains("Values")))
        for action in ["pause", "resume", "cancel", "retry", "discard"] {
            #expect(
                try page.evaluate("document.querySelectorAll('[aria-label^=\"\(action) \"]').length") == "0")
        }
    }
}

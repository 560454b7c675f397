import PostludeExamplePages

extension SettingsApplication {
    /// `GET /`: a form that saves a user's settings, and shows where a read has found them.
    func home() -> ExamplePage {
        ExamplePage(
            title: "Settings",
            content: """
                <p>A user’s settings are in SQLite when the answer comes. A task warms the cache after it, so that the next
                read need not ask the database.</p>
                <form class="card" aria-labelledby="user-settings">
                <h2 id="user-settings">A user’s settings</h2>
                <p><label for="user">User</label>
                <input id="user" type="number" value="7" min="1" required></p>
                <p><label for="theme">Theme</label>
                <select id="theme"><option>dark</option><option>light</option><option>system</option></select></p>
                <p><label for="language">Language <small>Such as en, pt-BR or zh-Hant-TW</small></label>
                <input id="language" value="pt-BR" autocomplete="off"></p>
                <p><label><input id="newsletter" type="checkbox">Newsletter</label></p>
                <p class="buttons"><button class="main">Save</button> <button type="button" id="read">Read</button></p>
                </form>
                <section class="card" aria-labelledby="answers-heading">
                <h2 id="answers-heading">Answers</h2>
                <p class="muted" id="none">Save settings, then read them: from the cache, and after a restart from the
                database.</p>
                <ol id="answers" role="log" aria-label="Answers, the newest first"></ol>
                </section>
                """, style: Self.style, script: Self.script)
    }

    private static let style = """
        #answers { list-style: none; margin: 0; padding: 0 }
        #answers li { padding: .5rem 0; border-top: 1px solid var(--line) }
        #answers li:first-child { border-top: 0 }
        #answers .data { display: block }
        #none:has(+ ol li) { display: none }
        """

    private static let script = """
        const field = id => document.getElementById(id)
        const url = () => `users/${encodeURIComponent(field("user").value)}/settings`

        function show(what, answer, time, text) {
          const item = document.createElement("li")
          const head = document.createElement("span")
          const body = document.createElement("span")
          head.textContent = `${what}: ${answer.status} after ${Math.round(time)} ms`
          head.className = answer.ok ? "" : "failed"
          body.textContent = text
          body.className = "data"
          item.append(head, body)
          field("answers").prepend(item)
          for (const old of [...field("answers").children].slice(10)) old.remove()
        }

        async function ask(what, options) {
          const start = performance.now()
          try {
            const answer = await fetch(url(), options)
            show(what, answer, performance.now() - start, await answer.text())
          } catch (error) {
            show(what, { status: "no answer" }, performance.now() - start, error.message)
          }
        }

        document.querySelector("form").onsubmit = event => {
          event.preventDefault()
          const settings = {
            theme: field("theme").value, language: field("language").value, newsletter: field("newsletter").checked,
          }
          ask("Saved", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(settings) })
        }
        field("read").onclick = () => ask("Read", {})
        """
}

enum GuidePage {
    static let style = """
        main, footer { max-width: 76rem }
        main > p { max-width: 42rem }
        .programs { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr));
                    gap: 1rem; align-items: start }
        .card { margin: 0 }
        #connection { padding-left: 1.25rem; position: relative; color: var(--muted) }
        #connection::before { content: ""; position: absolute; left: 0; top: .35em; width: .75rem; height: .75rem;
                              border-radius: 50%; border: 2px solid var(--edge) }
        #connection.open::before { background: var(--accent); border-color: var(--accent) }
        .runs ol { list-style: none; margin: 1rem 0 0; padding: .75rem 0 0; border-top: 1px solid var(--line) }
        .runs li { display: grid; grid-template-columns: 4.25rem 1.5rem minmax(0, 1fr); align-items: baseline }
        .runs time { text-align: right; color: var(--muted); font-variant-numeric: tabular-nums; font-size: .9rem }
        .runs .dot { position: relative; align-self: stretch }
        .runs .dot::before { content: ""; position: absolute; left: .7rem; top: 0; bottom: 0; width: 2px;
                             background: var(--line) }
        .runs li:first-child .dot::before { top: .7em }
        .runs li:last-child .dot::before { bottom: calc(100% - .7em) }
        .runs .dot::after { content: ""; position: absolute; left: .45rem; top: .5em; width: .6rem; height: .6rem;
                            border-radius: 50%; border: 2px solid var(--edge); background: var(--card) }
        .runs .answer .dot::after { background: var(--accent); border-color: var(--accent) }
        .runs .failed .dot::after { background: var(--failed); border-color: var(--failed) }
        .runs .answer strong { font-weight: 600 }
        """

    static let script = """
        const connection = document.querySelector("#connection")
        const buttons = document.querySelectorAll("button")
        // Runs whose answer is there, by their request's id; and lines whose request's answer is still on its way:
        // lines and answers come on two connections.
        const runs = new Map()
        let early = []
        let underWay = 0

        const events = new EventSource("lines")
        events.onopen = () => {
          connection.textContent = "Connected: the tasks’ lines are shown as they are printed."
          connection.className = "open"
          for (const button of buttons) button.disabled = false
        }
        events.onerror = () => {
          connection.textContent = "The server cannot be reached. Trying again …"
          connection.className = ""
        }
        events.onmessage = ({ data }) => {
          const line = JSON.parse(data)
          const run = runs.get(line.request)
          if (run) run.show(line)
          else if (underWay > 0) early.push(line)
        }

        class Run {
          start = performance.now()
          list = document.createElement("ol")

          constructor(section) {
            const before = section.querySelectorAll("ol")
            for (const old of [...before].slice(1)) old.remove()
            section.prepend(this.list)
          }

          add(kind, text, ...more) {
            const item = document.createElement("li")
            const time = document.createElement("time")
            const dot = document.createElement("span")
            const what = document.createElement("span")
            time.textContent = `${Math.round(performance.now() - this.start).toLocaleString("en")} ms`
            dot.className = "dot"
            what.className = "data"
            what.append(text, ...more)
            item.className = kind
            item.append(time, dot, what)
            this.list.append(item)
          }

          answer(status, text) {
            const strong = document.createElement("strong")
            strong.textContent = status
            this.add(status < 400 ? "answer" : "answer failed", "Answer ", strong, ` ${text}`)
          }

          show({ text, isFailure }) {
            this.add(isFailure ? "failed" : "line", text)
          }
        }

        async function send(button) {
          const { method, path, json } = button.dataset
          const run = new Run(button.closest("section").querySelector(".runs"))
          run.add("request", `${method} ${path}`)
          underWay += 1
          try {
            const headers = json ? { "Content-Type": "application/json" } : {}
            const answer = await fetch(path.slice(1), { method, headers, body: json })
            run.answer(answer.status, await answer.text())
            const id = answer.headers.get("X-Request-ID")
            runs.set(id, run)
            for (const line of early) if (line.request == id) run.show(line)
            early = early.filter(line => line.request != id)
          } catch (error) {
            run.add("failed", `No answer: ${error.message}`)
          }
          underWay -= 1
          if (underWay == 0) early = []
        }

        for (const button of buttons) button.onclick = () => send(button)
        """
}

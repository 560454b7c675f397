import PostludeExamplePages

/// `GET /`: a form that orders an export, and the exports of the customer with their progress.
func home() -> ExamplePage {
    ExamplePage(
        title: "Exports",
        content: """
            <p>Each export writes a million measurements to a file, in chunks. It can be cancelled at any time; and if its process
            is killed, the next one continues where it was. Of one customer, two run at once; the others wait.</p>
            <form class="card" aria-labelledby="new-export">
            <h2 id="new-export">A new export</h2>
            <p><label for="customer">Customer</label>
            <input id="customer" type="number" value="7" min="1" required></p>
            <p class="buttons"><button class="main">Export all measurements</button></p>
            <p id="message" role="status"></p>
            </form>
            <section aria-labelledby="exports-heading" hidden>
            <h2 id="exports-heading">The customer’s exports</h2>
            <ol id="exports"></ol>
            </section>
            <template>
            <li class="card">
            <h3></h3>
            <p class="state" role="status"></p>
            <p><progress max="1" value="0"></progress> <span class="muted rows"></span></p>
            <p class="buttons"><button type="button">Cancel</button> <a hidden>Download</a></p>
            </li>
            </template>
            """, style: style, script: script)
}

private let style = """
    #message { margin: .75rem 0 0 }
    #message:empty { display: none }
    ol { list-style: none; margin: 0; padding: 0 }
    progress { width: 20rem; max-width: 100%; accent-color: var(--accent); vertical-align: middle }
    .state { color: var(--muted) }
    .rows { font-variant-numeric: tabular-nums }
    """

private let script = """
    const form = document.querySelector("form")
    const message = document.querySelector("#message")
    const customer = document.querySelector("#customer")
    const list = document.querySelector("#exports")
    const exports = () => `customers/${encodeURIComponent(customer.value)}/exports`

    const say = (text, failed) => {
      message.textContent = text
      message.className = failed ? "failed" : ""
    }

    async function ask(url, method = "GET") {
      const answer = await fetch(url, { method })
      if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).detail ?? `status ${answer.status}`)
      return answer.json()
    }

    const states = {
      waiting: "Waiting for its turn", running: "Running", done: "Complete", cancelled: "Cancelled", failed: "Failed",
    }
    const isOver = ({ state }) => state != "waiting" && state != "running"

    function item(number) {
      const found = list.querySelector(`[data-number="${number}"]`)
      if (found) return found
      const added = document.querySelector("template").content.cloneNode(true).querySelector("li")
      added.dataset.number = number
      added.querySelector("h3").textContent = `Export ${number}`
      added.querySelector("progress").ariaLabel = `Export ${number}`
      const cancel = added.querySelector("button")
      const url = `${exports()}/${number}/cancel`
      cancel.ariaLabel = `Cancel export ${number}`
      cancel.onclick = async () => {
        cancel.disabled = true
        try {
          // The event stream tells when it is cancelled.
          await ask(url, "POST")
        } catch (error) {
          cancel.disabled = false
          say(`Not cancelled: ${error.message}`, true)
        }
      }
      const link = added.querySelector("a")
      link.href = `${exports()}/${number}/file`
      link.ariaLabel = `Download export ${number}`
      return added
    }

    function update(element, { state, progress, report }) {
      const text = states[state] ?? state
      const line = element.querySelector(".state")
      // Replaced only when it has changed, so that it is read aloud once.
      if (line.textContent != text) line.textContent = text
      line.classList.toggle("failed", state == "failed")
      element.querySelector("progress").value = state == "done" ? 1 : progress?.fraction ?? 0
      element.querySelector(".rows").textContent = report ? `${report.rows} rows` : progress?.message ?? ""
      element.querySelector("button").hidden = isOver({ state })
      element.querySelector("a").hidden = state != "done"
    }

    // One event stream tells what becomes of all exports that are not over. The browser connects again by itself, as after a
    // crash. It stays away after an answer other than 200: 204 when all are over, or 502 while the server is started again.
    let events
    function follow(states) {
      events?.close()
      const open = new Map(states.filter(state => !isOver(state)).map(({ task, number }) => [task, number]))
      if (!open.size) return
      const stream = events = new EventSource(`tasks/${[...open.keys()].join()}/events`)
      stream.onmessage = ({ data }) => {
        const { id, result, ...status } = JSON.parse(data)
        update(item(open.get(id)), { ...status, report: result })
        if (isOver(status)) open.delete(id)
      }
      stream.onerror = () => {
        if (stream.readyState == EventSource.CLOSED && open.size) setTimeout(show, 2000)
      }
    }

    let turn = 0
    async function show() {
      const own = ++turn
      try {
        const found = await ask(exports())
        // The customer is another one by now, or a newer list is on its way.
        if (own != turn) return
        const numbers = new Set(found.map(({ number }) => String(number)))
        for (const element of [...list.children]) if (!numbers.has(element.dataset.number)) element.remove()
        for (const [index, state] of found.entries()) {
          const element = item(state.number)
          if (list.children[index] != element) list.insertBefore(element, list.children[index] ?? null)
          update(element, state)
        }
        document.querySelector("section").hidden = found.length == 0
        follow(found)
      } catch {
        // The server is not there.
        if (own == turn) setTimeout(show, 2000)
      }
    }

    form.onsubmit = async event => {
      event.preventDefault()
      try {
        const { number } = await ask(exports(), "POST")
        say(`Export ${number} is ordered.`)
      } catch (error) {
        say(`Not ordered: ${error.message}`, true)
      }
      show()
    }
    customer.onchange = show
    show()
    """

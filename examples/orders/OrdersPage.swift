import PostludeExamplePages

/// `GET /`: a form that places an order, and the state of each of its tasks.
func home() -> ExamplePage {
    ExamplePage(
        title: "Orders",
        content: """
            <p>An order is answered 202 when its charge, its receipt and its entry in the ledger are in the task store on the
            disk. Then they are done in this order, whatever becomes of the process. The same order once more changes
            nothing: it is answered 200.</p>
            <form class="card" aria-labelledby="new-order">
            <h2 id="new-order">A new order</h2>
            <p><label for="id">Id <small>Letters, digits, - and _</small></label>
            <input id="id" required maxlength="64" autocomplete="off"></p>
            <p><label for="email">Email address of the receipt</label>
            <input id="email" type="email" value="ada@example.org" required></p>
            <p class="buttons"><button class="main">Place it</button>
            <button type="button" id="crowd">Place it 16 times at once</button></p>
            <p id="message" role="status"></p>
            </form>
            <section aria-labelledby="orders-heading" hidden>
            <h2 id="orders-heading">Orders</h2>
            <ol id="orders"></ol>
            </section>
            <template>
            <li class="card">
            <h3></h3>
            <table>
            <thead><tr><th scope="col">Task</th><th scope="col">State</th><th scope="col">Attempts</th>\
            <th scope="col">Result</th></tr></thead>
            <tbody role="status"></tbody>
            </table>
            </li>
            </template>
            """, style: style, script: script)
}

private let style = """
    #message { margin: .75rem 0 0 }
    #message:empty { display: none }
    ol { list-style: none; margin: 0; padding: 0 }
    table { width: 100%; border-collapse: collapse; margin-top: .5rem }
    th, td { text-align: left; padding: .35rem .75rem .35rem 0; border-top: 1px solid var(--line);
             vertical-align: top; overflow-wrap: anywhere; font-weight: normal }
    thead th { border-top: 0; color: var(--muted); font-size: .9rem }
    td:nth-child(3) { font-variant-numeric: tabular-nums }
    """

private let script = """
    const form = document.querySelector("form")
    const message = document.querySelector("#message")
    const field = id => document.getElementById(id)
    const followed = new Map()

    const say = (text, failed) => {
      message.textContent = text
      message.className = failed ? "failed" : ""
    }

    const place = () => fetch("orders", {
      method: "POST", headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ id: field("id").value, email: field("email").value }),
    })

    // What is wrong with the form is a list, everything else a text.
    async function reason(answer) {
      const text = await answer.text()
      try {
        const { detail } = JSON.parse(text)
        return Array.isArray(detail) ? detail.map(({ loc, msg }) => `${loc.at(-1)}: ${msg}`).join("; ") : detail
      } catch {
        return `status ${answer.status}`
      }
    }

    async function send(times) {
      const id = field("id").value
      try {
        const answers = await Promise.all(Array.from({ length: times }, place))
        const wrong = answers.find(answer => answer.status != 202 && answer.status != 200)
        if (wrong) throw new Error(await reason(wrong))
        const accepted = answers.filter(answer => answer.status == 202).length
        say(times == 1
          ? (accepted ? "202: accepted" : "200: it was placed before")
          : `${accepted} of ${times} requests placed the order; the others were answered 200.`)
        follow(id)
        field("id").value = newID()
      } catch (error) {
        say(`Not placed: ${error.message}`, true)
      }
    }

    function show(item, order) {
      item.querySelector("h3").textContent = `Order ${order.id}`
      const rows = ["charge", "receipt", "ledger"].map(name => {
        const step = order[name]
        const row = document.createElement("tr")
        const head = document.createElement("th")
        head.scope = "row"
        head.textContent = name
        row.append(head)
        for (const text of [step.state, step.attempts, step.result ?? ""]) row.insertCell().textContent = text
        row.cells[1].className = step.state == "failed" ? "failed" : ""
        return row
      })
      const body = item.querySelector("tbody")
      const text = rows.map(row => row.textContent).join()
      // Replaced only when something has changed, so that it is read aloud once.
      if (body.dataset.text != text) {
        body.replaceChildren(...rows)
        body.dataset.text = text
      }
    }

    const pause = time => new Promise(resolve => setTimeout(resolve, time))

    const read = id => fetch(`orders/${encodeURIComponent(id)}`)
      .then(answer => answer.ok ? answer.json() : null)
      .catch(() => null)

    async function follow(id) {
      if (followed.has(id)) return
      const item = document.querySelector("template").content.cloneNode(true).querySelector("li")
      followed.set(id, item)
      document.querySelector("#orders").prepend(item)
      document.querySelector("section").hidden = false
      let order
      while (!(order = await read(id))) await pause(1000)
      show(item, order)
      const steps = [order.charge, order.receipt, order.ledger]
      const events = new EventSource(`tasks/${steps.map(step => step.id).join()}/events`)
      events.onmessage = event => {
        const { id, state, attempts, result } = JSON.parse(event.data)
        const step = steps.find(step => step.id == id)
        Object.assign(step, { state, attempts: attempts ?? step.attempts, result: result ?? step.result })
        show(item, order)
      }
      // Closed when all tasks are over: the browser has connected once more, and was answered 204.
      events.onerror = () => { if (events.readyState == EventSource.CLOSED) followed.delete(id) }
    }

    const newID = () => Math.random().toString(36).slice(2, 8)
    field("id").value = newID()
    form.onsubmit = event => {
      event.preventDefault()
      send(1)
    }
    field("crowd").onclick = () => { if (form.reportValidity()) send(16) }
    """

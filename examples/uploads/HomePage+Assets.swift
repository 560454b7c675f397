enum HomePage {
    static let style = """
        h2 { margin-top: 1.5rem }
        form p:has(button) { margin: 1rem 0 0 }
        #message { margin: .75rem 0 0 }
        #message:empty { display: none }
        progress { width: 10rem; max-width: 40%; accent-color: var(--accent); vertical-align: middle }
        ol { list-style: none; margin: 0; padding: 0 }
        li { display: flex; flex-wrap: wrap; gap: 1rem }
        li > div { flex: 1 1 16rem; min-width: 0 }
        img { max-width: 10rem; max-height: 10rem; align-self: flex-start; border-radius: .25rem }
        .state:not(.failed) { color: var(--muted) }
        dl { margin: 0 }
        dl div { display: flex; gap: .5rem; margin-top: .25rem }
        dt { flex: 0 0 5rem; color: var(--muted) }
        dd { margin: 0; min-width: 0; overflow-wrap: anywhere }
        .sha256 { font: .85rem/1.7 ui-monospace, monospace }
        """

    static let script = """
        const form = document.querySelector("form")
        const button = form.querySelector("button")
        const progress = form.querySelector("progress")
        const message = document.querySelector("#message")

        // Not fetch: it does not tell how much of a body was sent.
        const send = body => new Promise((resolve, reject) => {
          const request = new XMLHttpRequest()
          request.upload.onprogress = event => { if (event.lengthComputable) progress.value = event.loaded / event.total }
          request.onload = () => resolve(request)
          request.onerror = () => reject(new Error("the server could not be reached"))
          request.open("POST", form.action)
          request.send(body)
        })

        const say = (text, failed) => {
          message.textContent = text
          message.className = failed ? "failed" : ""
        }

        // What is wrong with the form is a list, everything else a text.
        const reason = request => {
          try {
            const { detail } = JSON.parse(request.responseText)
            return Array.isArray(detail) ? detail.map(({ loc, msg }) => `${loc.at(-1)}: ${msg}`).join("; ") : detail
          } catch {
            return `status ${request.status}`
          }
        }

        const bytes = new Intl.NumberFormat("en", { style: "unit", unit: "byte", unitDisplay: "long" })

        function show(item, upload) {
          const set = (selector, text) => { item.querySelector(selector).textContent = text }
          set("h3", upload.title)
          set(".filename", upload.filename)
          set(".size", bytes.format(upload.size))
          set(".sha256", upload.sha256 ?? "…")
          const state = item.querySelector(".state")
          const text = { pending: "Working on it …", done: "Done", failed: upload.error }[upload.status]
          if (state.textContent != text) state.textContent = text
          state.classList.toggle("failed", upload.status == "failed")
          const image = item.querySelector("img")
          if (upload.thumbnail && image.hidden) {
            image.src = upload.thumbnail
            image.alt = `Thumbnail of ${upload.title}`
            image.hidden = false
          }
        }

        function add(upload, tasks) {
          const item = document.querySelector("template").content.cloneNode(true).querySelector("li")
          document.querySelector("#uploads").prepend(item)
          document.querySelector("section").hidden = false
          show(item, upload)
          follow(item, upload, tasks, new Set(tasks))
        }

        // The browser connects again by itself, as after a crash. It stays away after an answer other than 200: 204 when both
        // tasks are over, or 502 while the server is started again.
        function follow(item, upload, tasks, open) {
          const events = new EventSource(`tasks/${tasks.join()}/events`)
          events.onmessage = ({ data }) => {
            const { id, state, result } = JSON.parse(data)
            if (state == "waiting" || state == "running") return
            open.delete(id)
            if (state != "done") upload.error = "The server could not work on the file"
            else Object.assign(upload, id == tasks[0] ? { sha256: result } : result)
            upload.status = upload.error ? "failed" : open.size ? "pending" : "done"
            show(item, upload)
          }
          events.onerror = () => {
            if (events.readyState == EventSource.CLOSED && open.size) setTimeout(follow, 2000, item, upload, tasks, open)
          }
        }

        form.onsubmit = async event => {
          event.preventDefault()
          button.disabled = true
          progress.value = 0
          progress.hidden = false
          say("Uploading …")
          try {
            const request = await send(new FormData(form))
            if (request.status != 202) throw new Error(reason(request))
            say("")
            form.reset()
            // The checksum, and then the thumbnail: the order in which they were added.
            add(JSON.parse(request.responseText), request.getResponseHeader("Task-Id").split(", "))
          } catch (error) {
            say(`Not uploaded: ${error.message}`, true)
          }
          button.disabled = false
          progress.hidden = true
        }
        """
}

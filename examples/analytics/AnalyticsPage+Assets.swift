extension AnalyticsPage {
    static let style = """
        :root { --soft: #8882; --answered: #2f6fd0 }
        @media (prefers-color-scheme: dark) { :root { --answered: #6ea6f5 } }
        main, footer { max-width: 60rem }
        main > p { max-width: 42rem }
        h2 { margin-top: 2rem }
        .try button { margin: 0 .5rem .5rem 0 }
        dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(6rem, 1fr)); gap: .5rem;
             margin: 1.25rem 0 }
        dl div { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: .6rem .75rem }
        dt { color: var(--muted); font-size: .9rem }
        dd { margin: 0; font-size: clamp(1.1rem, 4.5vw, 1.5rem); line-height: 1.3; font-variant-numeric: tabular-nums }
        figure { margin: 0 }
        figcaption { display: flex; flex-wrap: wrap; gap: 0 1rem; align-items: baseline; margin-bottom: .75rem }
        .key { white-space: nowrap; color: var(--muted); font-size: .9rem }
        .key i { display: inline-block; width: .75em; height: .75em; border-radius: .15em }
        .key .answered { background: var(--answered) }
        .key .failed { background: var(--failed) }
        .plot { display: grid; grid-template-columns: auto 1fr; gap: .4rem .6rem; font-size: .85rem;
                color: var(--muted); font-variant-numeric: tabular-nums }
        .scale { display: flex; flex-direction: column; justify-content: space-between; text-align: right;
                 line-height: 1; margin: -.5em 0 }
        .times { grid-column: 2; display: flex; justify-content: space-between }
        svg { display: block; width: 100%; height: clamp(10rem, 40vw, 18rem); overflow: visible }
        .grid { stroke: var(--line); fill: none; vector-effect: non-scaling-stroke }
        .space { fill: transparent }
        g:hover .space { fill: var(--soft) }
        rect.answered { fill: var(--answered) }
        rect.failed { fill: var(--failed) }
        ol { list-style: none; margin: 0; padding: 0 }
        li { display: grid; grid-template-columns: 12.5rem 16rem 1fr; gap: 0 1rem; align-items: baseline;
             border-top: 1px solid var(--line); padding: .5rem 0 }
        li time, small { color: var(--muted); font-size: .9rem; font-variant-numeric: tabular-nums }
        li small { overflow-wrap: anywhere; min-width: 0 }
        .error { color: var(--failed) }
        @media (max-width: 48rem) { li { grid-template-columns: 1fr } }
        """

    /// Updates the numbers every few seconds, and lets the reader make requests.
    static let script = """
        const attempts = document.querySelector(".try")
        const output = attempts.querySelector("output")
        const report = error => { output.textContent = `No answer: ${error.message}` }

        async function refresh() {
          const answer = await fetch(location.href)
          if (!answer.ok) throw new Error(`status ${answer.status}`)
          const page = new DOMParser().parseFromString(await answer.text(), "text/html")
          document.querySelector("#live").replaceWith(page.querySelector("#live"))
        }

        for (const button of attempts.querySelectorAll("button")) {
          button.onclick = async () => {
            const start = performance.now()
            try {
              const answer = await fetch(button.dataset.path)
              output.textContent = `${answer.status} after ${Math.round(performance.now() - start)} ms`
              // The access is logged after its answer, so a moment from now.
              setTimeout(() => refresh().catch(report), 250)
            } catch (error) {
              report(error)
            }
          }
        }
        attempts.hidden = false
        setInterval(() => { if (!document.hidden) refresh().catch(report) }, 5000)
        """
}

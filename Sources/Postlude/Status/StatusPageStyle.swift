/// The status page's style sheet.
enum StatusPageStyle {
    static let text = #"""
        :root {
          --ink: #1c2330; --soft: #5b6577; --line: #dfe3ea; --paper: #fff; --back: #f5f6f9;
          --blue: #2456c7; --green: #12734a; --amber: #8a5300; --red: #b3261e; --violet: #6b4aa8;
          font: 16px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ink: #e6e9f0; --soft: #9ba5b7; --line: #313a4a; --paper: #1a202b; --back: #12161e;
            --blue: #8fb0ff; --green: #6dd3a3; --amber: #f0b968; --red: #ff9a92; --violet: #c4a8ff;
          }
        }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--back); color: var(--ink); overflow-wrap: anywhere; }
        main { max-width: 70rem; margin: 0 auto; padding: clamp(.75rem, 3vw, 2rem); display: grid; gap: 1rem; }
        main > *, .plot, .tile { min-width: 0; }
        h1, h2, h3, p { margin: 0; }
        h1 { font-size: 1.5rem; line-height: 1.2; }
        h2 { font-size: 1rem; margin: .5rem 0; }
        header p, .soft { color: var(--soft); font-size: .875rem; }
        #trouble { padding: .5rem .75rem; border: 1px solid var(--red); color: var(--red); border-radius: 8px; }
        #tiles { display: grid; gap: .5rem; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); }
        .tile, .plot, .card { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: .6rem .8rem; }
        .tile b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
        #plots { display: grid; gap: .5rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 19rem), 1fr)); }
        .plot h2 { margin: 0; display: flex; justify-content: space-between; gap: .5rem; font-size: .875rem; }
        .plot h2 b { font-variant-numeric: tabular-nums; }
        .plot svg { display: block; width: 100%; height: 5.5rem; margin: .35rem 0 .15rem; }
        .plot .base, .plot .top { stroke: var(--line); stroke-width: 1; vector-effect: non-scaling-stroke; }
        .plot .top { stroke-dasharray: 3 4; }
        .plot .curve { fill: none; stroke-width: 2; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
        .plot .area { opacity: .14; }
        .blue .curve { stroke: var(--blue); } .blue .area { fill: var(--blue); }
        .violet .curve { stroke: var(--violet); } .violet .area { fill: var(--violet); }
        .green .curve { stroke: var(--green); } .green .area { fill: var(--green); }
        .ends { display: flex; justify-content: space-between; font-size: .75rem; color: var(--soft); }
        table { width: 100%; border-collapse: collapse; font-size: .875rem; }
        th { text-align: left; font-weight: 600; color: var(--soft); font-size: .75rem; }
        th, td { padding: .3rem .5rem .3rem 0; vertical-align: top; border-top: 1px solid var(--line); }
        thead th { border-top: 0; }
        td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
        .card { margin-top: .5rem; }
        button { font: inherit; color: var(--blue); background: none; border: 1px solid var(--line); border-radius: 6px; padding: .05rem .5rem; cursor: pointer; }
        .state { font-weight: 600; white-space: nowrap; }
        .idle { color: var(--soft); font-weight: 400; } .handling { color: var(--blue); } .reading { color: var(--amber); }
        .writing { color: var(--green); } .tasks { color: var(--violet); }
        .what code { font: .8125rem ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
        dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); gap: 0 1.5rem; margin: 0; font-size: .875rem; }
        dl div { display: flex; justify-content: space-between; gap: 1rem; padding: .3rem 0; border-top: 1px solid var(--line); }
        dt { color: var(--soft); } dd { margin: 0; font-variant-numeric: tabular-nums; }
        [hidden] { display: none !important; }
        @media (max-width: 640px) {
          table, tbody, tr, td { display: block; }
          thead { display: none; }
          tr { border-top: 1px solid var(--line); padding: .35rem 0; }
          tbody tr:first-child { border-top: 0; }
          td, td.number { border: 0; padding: .05rem 0; display: flex; gap: 1rem; justify-content: space-between; text-align: right; white-space: normal; }
          td::before { content: attr(data-name); color: var(--soft); flex: none; text-align: left; }
          td:empty { display: none; }
        }
        """#
}

/// The page's style sheet.
enum PageStyle {
    static let text = #"""
        :root {
          --ink: #1c2330; --soft: #5b6577; --line: #dfe3ea; --paper: #fff; --back: #f5f6f9; --code: #f0f2f6;
          --accent: #2456c7; --get: #12734a; --post: #2456c7; --put: #8a5300; --delete: #b3261e; --other: #6b4aa8;
          --good: #12734a; --bad: #b3261e;
          font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --ink: #e6e9f0; --soft: #9ba5b7; --line: #313a4a; --paper: #1a202b; --back: #12161e; --code: #232b39;
            --accent: #8fb0ff; --get: #6dd3a3; --post: #8fb0ff; --put: #f0b968; --delete: #ff9a92; --other: #c4a8ff;
            --good: #6dd3a3; --bad: #ff9a92;
          }
        }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--back); color: var(--ink); overflow-wrap: anywhere; }
        a { color: var(--accent); }
        code, pre, textarea, .path, .type { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .875em; }
        h1, h2, h3, h4, p { margin: 0; }
        :focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
        .frame { display: grid; grid-template-columns: 20rem minmax(0, 1fr); min-height: 100vh; }
        nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.5rem 1rem; background: var(--paper); border-right: 1px solid var(--line); }
        nav h2 { margin: 1.25rem .5rem .25rem; font-size: .75rem; letter-spacing: .06em; text-transform: uppercase; color: var(--soft); }
        nav ul { list-style: none; margin: 0; padding: 0; }
        nav li a { display: flex; gap: .5rem; align-items: baseline; padding: .3rem .5rem; border-radius: 6px; color: var(--ink); text-decoration: none; font-size: .875rem; }
        nav li a:hover, nav li a.here { background: var(--code); }
        .search { position: relative; }
        input, select, textarea { width: 100%; padding: .5rem .65rem; font: inherit; font-size: .9375rem; color: var(--ink); background: var(--paper); border: 1px solid var(--line); border-radius: 6px; }
        input, select, textarea { font-weight: 400; }
        textarea { min-height: 12rem; resize: vertical; font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .875rem; }
        main { padding: 2rem clamp(1rem, 4vw, 3rem) 40vh; max-width: 60rem; width: 100%; }
        header { margin-bottom: 2rem; }
        header h1 { font-size: 1.75rem; line-height: 1.2; }
        .about { color: var(--soft); white-space: pre-line; margin-top: .5rem; }
        .chip { display: inline-block; padding: .05rem .5rem; border: 1px solid var(--line); border-radius: 99px; font-size: .75rem; color: var(--soft); vertical-align: middle; white-space: nowrap; }
        .group { margin: 2rem 0 .75rem; font-size: 1.125rem; }
        .method { flex: none; min-width: 3.4rem; font: 700 .6875rem/1.4 ui-monospace, Menlo, Consolas, monospace; letter-spacing: .03em; color: var(--other); }
        .method.get { color: var(--get); } .method.post { color: var(--post); }
        .method.put, .method.patch { color: var(--put); } .method.delete { color: var(--delete); }
        article { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; margin-bottom: .75rem; scroll-margin-top: 1rem; }
        article.deprecated .path { text-decoration: line-through; }
        summary { cursor: pointer; }
        article > details > summary { display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: baseline; padding: .8rem 1rem; list-style: none; border-radius: 10px; }
        article > details > summary::-webkit-details-marker { display: none; }
        article > details > summary::after { content: "▸"; margin-left: auto; color: var(--soft); }
        article > details[open] > summary::after { content: "▾"; }
        article > details > summary:hover { background: var(--code); }
        .path { font-weight: 600; }
        .what { color: var(--soft); }
        .body { padding: .25rem 1rem 1.25rem; border-top: 1px solid var(--line); }
        .body h3 { margin: 1.25rem 0 .5rem; font-size: .8125rem; letter-spacing: .04em; text-transform: uppercase; color: var(--soft); }
        .note { margin-top: .75rem; white-space: pre-line; }
        .rows { border: 1px solid var(--line); border-radius: 8px; }
        .row { display: grid; grid-template-columns: minmax(8rem, 13rem) minmax(0, 1fr); gap: .25rem 1rem; padding: .6rem .8rem; border-top: 1px solid var(--line); }
        .row:first-child { border-top: 0; }
        .row.wide { grid-template-columns: minmax(0, 1fr); }
        .row .name { font-weight: 600; }
        .row .place { display: block; font-size: .75rem; font-weight: 400; color: var(--soft); }
        .must { color: var(--bad); font-size: .75rem; font-weight: 400; }
        .type { color: var(--soft); }
        .hint { color: var(--soft); font-size: .875rem; margin-top: .15rem; }
        .schema { margin: 0; padding: 0; list-style: none; }
        .schema .schema { margin: .25rem 0 0 .35rem; padding-left: .85rem; border-left: 2px solid var(--line); }
        .schema li { padding: .2rem 0; }
        .schema .type { margin: 0 .35rem; }
        .row summary { padding: .1rem 0; color: var(--accent); font: .875rem ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
        .code { font-weight: 700; }
        .code.good { color: var(--good); } .code.bad { color: var(--bad); }
        pre { margin: .5rem 0 0; padding: .75rem; background: var(--code); border-radius: 8px; overflow: auto; max-height: 28rem; white-space: pre-wrap; }
        form { display: grid; gap: .75rem; }
        form label { display: grid; gap: .2rem; font-size: .875rem; font-weight: 600; }
        button { padding: .5rem 1.1rem; font: inherit; font-weight: 600; color: var(--paper); background: var(--accent); border: 0; border-radius: 6px; cursor: pointer; }
        button.plain { padding: .15rem .55rem; font-size: .8125rem; font-weight: 500; color: var(--soft); background: none; border: 1px solid var(--line); }
        button:disabled { opacity: .6; cursor: default; }
        .actions { display: flex; flex-wrap: wrap; gap: .75rem; align-items: center; }
        .answer { margin-top: 1rem; }
        .answer img { max-width: 100%; margin-top: .5rem; background: #fff; }
        .empty { padding: 1rem .5rem; color: var(--soft); }
        .skip { position: absolute; left: -99rem; }
        .skip:focus { left: 1rem; top: 1rem; padding: .5rem 1rem; background: var(--paper); z-index: 1; }
        [hidden] { display: none !important; }
        @media (max-width: 800px) {
          .frame { display: block; }
          nav { position: static; height: auto; max-height: none; padding: 1rem; border-right: 0; border-bottom: 1px solid var(--line); }
          nav .list { display: none; }
          main { padding-top: 1.25rem; }
          .row { grid-template-columns: minmax(0, 1fr); }
        }
        """#
}

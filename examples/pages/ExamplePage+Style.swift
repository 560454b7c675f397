extension ExamplePage {
    /// The style of all examples: colours for light and dark, text, cards, forms, buttons.
    static let commonStyle = """
        :root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --ink: #1b1f24; --muted: #57606a;
                --line: #d3d8de; --edge: #7d8590; --accent: #0b57a4; --on-accent: #fff; --failed: #b3261e }
        @media (prefers-color-scheme: dark) {
          :root { --page: #14171b; --card: #1d2126; --ink: #e8eaed; --muted: #a9b0bb;
                  --line: #363c44; --edge: #8b949e; --accent: #8cc2ff; --on-accent: #0d2036; --failed: #ff8f77 }
        }
        * { box-sizing: border-box }
        body { font: 1.0625rem/1.55 system-ui, sans-serif; color: var(--ink); background: var(--page);
               margin: 0; padding: 1.25rem }
        main, footer { max-width: 42rem; margin: 0 auto }
        footer { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; margin-top: 2rem; padding-top: 1rem;
                 border-top: 1px solid var(--line) }
        h1 { font-size: 1.8rem; line-height: 1.2; margin: .5rem 0 }
        h2 { font-size: 1.1rem; line-height: 1.3; margin: 0 0 .5rem }
        h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere }
        p { margin: 0 0 .75rem }
        a { color: var(--accent) }
        .card { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1rem;
                margin: 1rem 0; min-width: 0 }
        code, pre, output, .data { font-family: ui-monospace, "Liberation Mono", monospace; font-size: .9rem;
                                   overflow-wrap: anywhere }
        pre { margin: 0 0 .75rem; white-space: pre-wrap }
        label { display: block; font-weight: 600 }
        small { display: block; font-weight: normal; font-size: .9rem; color: var(--muted) }
        input:not([type=checkbox]), select { font: inherit; color: inherit; background: none; width: 100%;
                min-height: 2.75rem; margin-top: .25rem }
        input:not([type=checkbox], [type=file]), select { padding: .4rem .6rem; border: 1px solid var(--edge);
                border-radius: .5rem }
        select option { color: var(--ink); background: var(--card) }
        input[type=checkbox] { width: 1.25rem; height: 1.25rem; margin: 0 .5rem 0 0; vertical-align: -.2rem;
                accent-color: var(--accent) }
        button, ::file-selector-button { font: inherit; color: inherit; background: none; cursor: pointer;
                border: 2px solid var(--accent); border-radius: .5rem; padding: .5rem 1.1rem; min-height: 2.75rem }
        button.main { color: var(--on-accent); background: var(--accent) }
        button:not(.main):hover, ::file-selector-button:hover { color: var(--accent) }
        button.main:hover { text-decoration: underline }
        button:disabled { opacity: .6; cursor: default }
        .buttons { display: flex; flex-wrap: wrap; gap: .5rem; margin: 0 }
        :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
        .muted { color: var(--muted) }
        .failed { color: var(--failed) }
        .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }
        [hidden] { display: none !important }
        """
}

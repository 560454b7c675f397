extension PageScript {
    static let page = #"""
        let quiet = false;
        const search = make('input', { type: 'search', placeholder: 'Search ( / )', 'aria-label': 'Search operations' });
        const none = make('p', { className: 'empty', hidden: true }, 'No operation matches.');
        const parts = groups.map(([name, entries]) => ({
          entries,
          head: make('h2', { className: 'group' }, name), cards: entries.map(card),
          menu: make('div', {}, make('h2', {}, name), make('ul', {}, entries.map((entry) => {
            entry.link = make('a', { href: '#' + encodeURIComponent(entry.id), title: entry.path }, badge(entry.method),
              make('span', {}, entry.operation.summary ?? entry.path));
            entry.link.addEventListener('click', (event) => { event.preventDefault(); open(entry, true); });
            return make('li', {}, entry.link);
          }))),
        }));

        function mark() {
          for (const entry of list) entry.link?.classList.toggle('here', entry.box?.open === true);
        }

        function open(entry, focus) {
          entry.box.open = true;
          history.replaceState(null, '', '#' + encodeURIComponent(entry.id));
          entry.card.scrollIntoView({ block: 'start' });
          if (focus) entry.box.querySelector('summary').focus({ preventScroll: true });
        }

        function follow() {
          const id = decodeURIComponent(location.hash.slice(1));
          const entry = list.find((each) => each.id === id);
          if (entry) open(entry, false);
        }

        function filter() {
          const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
          let count = 0;
          for (const part of parts) {
            let inPart = 0;
            for (const entry of part.entries) {
              const matches = words.every((word) => entry.words.includes(word));
              entry.card.hidden = entry.link.parentNode.hidden = !matches;
              inPart += matches;
            }
            part.head.hidden = part.menu.hidden = !inPart;
            count += inPart;
          }
          none.hidden = count > 0;
        }

        function all(state) {
          quiet = true;
          for (const entry of list) if (!entry.card.hidden) entry.box.open = state;
          setTimeout(() => { quiet = false; });
        }

        const button = (text, action) => {
          const node = make('button', { type: 'button', className: 'plain' }, text);
          node.addEventListener('click', action);
          return node;
        };
        const omitted = api['x-omitted-routes'] ?? [];
        document.body.append(
          make('a', { className: 'skip', href: '#content' }, 'Skip to the operations'),
          make('div', { className: 'frame' },
            make('nav', { 'aria-label': 'Operations' }, make('div', { className: 'search' }, search),
              make('div', { className: 'list' }, parts.map((part) => part.menu))),
            make('main', { id: 'content', tabindex: '-1' },
              make('header', {}, make('h1', {}, api.info.title, ' ', make('span', { className: 'chip' }, api.info.version)),
                api.info.description && make('p', { className: 'about' }, api.info.description.trim()),
                make('p', { className: 'actions note' }, button('Open all', () => all(true)), button('Close all', () => all(false)))),
              parts.map((part) => [part.head, part.cards]), none,
              omitted.length > 0 && [make('h2', { className: 'group' }, 'Not described'),
                make('ul', { className: 'schema' }, omitted.map((route) => make('li', {},
                  make('code', {}, route.methods.join(', ') + ' ' + route.pattern), ' ', make('span', { className: 'hint' }, route.reason))))])));
        search.addEventListener('input', filter);
        addEventListener('hashchange', follow);
        addEventListener('keydown', (event) => {
          const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
          if (event.key === '/' && !typing) { event.preventDefault(); search.focus(); }
          if (event.key === 'Escape' && event.target === search) { search.value = ''; filter(); }
        });
        follow();
        """#
}

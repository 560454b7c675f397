extension PageScript {
    static let operations = #"""
        const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];
        const list = Object.entries(api.paths ?? {}).flatMap(([path, item]) => Object.entries(item)
          .filter(([method]) => methods.includes(method))
          .map(([method, operation]) => ({
            path: server + path, method, operation, id: operation.operationId, tags: operation.tags ?? [],
            words: [method, server + path, operation.operationId, operation.summary, operation.description,
              ...(operation.tags ?? [])].join(' ').toLowerCase(),
          })));
        const names = [...new Set(list.flatMap((entry) => entry.tags))];
        const groups = [...names.map((name) => [name, list.filter((entry) => entry.tags[0] === name)]),
          [names.length ? 'Other' : 'Operations', list.filter((entry) => !entry.tags.length)]]
          .filter(([, entries]) => entries.length);

        const section = (title, ...content) => [make('h3', {}, title), ...content];
        const badge = (method) => make('span', { className: 'method ' + method }, method.toUpperCase());

        function parameterRow(parameter) {
          const schema = parameter.schema ?? {};
          return make('div', { className: 'row' },
            make('div', {}, make('code', { className: 'name' }, parameter.name),
              parameter.required && make('span', { className: 'must' }, ' required'),
              make('span', { className: 'place' }, parameter.in)),
            make('div', {}, make('span', { className: 'type' }, kind(schema)),
              parameter.description && make('div', { className: 'hint' }, parameter.description),
              rules(schema) && make('div', { className: 'hint' }, rules(schema)), properties(schema)));
        }

        function contentRows(content) {
          return Object.entries(content ?? {}).map(([type, { schema }]) => make('div', {},
            make('span', { className: 'chip' }, type), ' ', !nameOf(schema) && make('span', { className: 'type' }, kind(schema)),
            rules(schema) && make('div', { className: 'hint' }, rules(schema)), nested(schema, [])));
        }

        function answerRow([status, answer]) {
          const mood = /^[23]/.test(status) ? 'good' : 'bad';
          // Errors are alike everywhere: their shapes stay closed.
          const rows = contentRows(answer.content);
          if (mood === 'bad') rows.forEach((row) => row.querySelectorAll('details').forEach((part) => { part.open = false; }));
          return make('div', { className: 'row' }, make('div', {}, make('span', { className: 'code ' + mood }, status)),
            make('div', {}, make('div', {}, answer.description), rows));
        }

        /** What an operation says, made when it is opened for the first time. */
        function details({ operation, ...entry }) {
          const parameters = operation.parameters ?? [];
          const schemes = (operation.security ?? []).flatMap((needed) => Object.keys(needed));
          return make('div', { className: 'body' },
            operation.description && make('p', { className: 'note' }, operation.description),
            schemes.length > 0 && make('p', { className: 'note' }, 'Needs ', schemes.map((name) => make('span', { className: 'chip' }, name))),
            parameters.length > 0 && section('Parameters', make('div', { className: 'rows' }, parameters.map(parameterRow))),
            operation.requestBody && section('Body' + (operation.requestBody.required ? '' : ' (may be absent)'),
              make('div', { className: 'rows' }, make('div', { className: 'row wide' }, contentRows(operation.requestBody.content)))),
            section('Answers', make('div', { className: 'rows' }, Object.entries(operation.responses ?? {}).map(answerRow))),
            section('Try it', trial({ operation, ...entry })));
        }

        function card(entry) {
          const { operation } = entry;
          const summary = make('summary', {}, badge(entry.method), make('span', { className: 'path' }, entry.path),
            operation.summary && make('span', { className: 'what' }, operation.summary),
            operation.deprecated && make('span', { className: 'chip' }, 'deprecated'));
          const box = make('details', {}, summary);
          box.addEventListener('toggle', () => {
            if (box.open && !box.querySelector('.body')) box.append(details(entry));
            if (box.open && !quiet) history.replaceState(null, '', '#' + encodeURIComponent(entry.id));
            mark();
          });
          entry.box = box;
          entry.card = make('article', { id: entry.id, className: operation.deprecated ? 'deprecated' : null }, box);
          return entry.card;
        }
        """#
}

extension PageScript {
    static let trying = #"""
        /** A field for a value of a schema. */
        function control(name, schema, required) {
          const target = resolve(schema);
          const attributes = { name, required, 'data-kind': [target.type].flat()[0] ?? '' };
          if (target.format === 'binary') return make('input', { ...attributes, type: 'file' });
          const values = target.enum ?? (target.type === 'boolean' ? [true, false] : null);
          if (values) {
            return make('select', attributes, !required && make('option', { value: '' }, '—'),
              values.map((value) => make('option', { value: String(value) }, String(value))));
          }
          const hint = target.default !== undefined ? String(target.default) : target.type === 'array' ? 'one, two' : '';
          const input = make('input', { ...attributes, type: 'text', autocomplete: 'off', spellcheck: 'false', placeholder: hint });
          if (required) input.value = example(schema) ?? '';
          return input;
        }

        const labelled = (text, field) => make('label', {}, text, field);

        /** The values of a field: a list's are written with commas between them. */
        function valuesOf(field) {
          if (field.type === 'file') return [...field.files];
          if (field.value === '') return [];
          return field.dataset.kind === 'array' ? field.value.split(',').map((value) => value.trim()) : [field.value];
        }

        function bodyFields(operation) {
          const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
          if (!type) return { fields: [] };
          const shape = resolve(content.schema);
          if (/form/.test(type) && shape.properties) {
            const inputs = Object.entries(shape.properties).map(([name, schema]) => [name, control(name, schema, shape.required?.includes(name))]);
            return {
              type, fields: inputs.map(([name, field]) => labelled(name, field)),
              read() {
                const data = type.startsWith('multipart') ? new FormData() : new URLSearchParams();
                for (const [name, field] of inputs) for (const value of valuesOf(field)) data.append(name, value);
                return { body: data };
              },
            };
          }
          const field = make('textarea', { name: 'body', spellcheck: 'false' });
          if (type === 'application/json') field.value = JSON.stringify(example(content.schema), null, 2);
          return {
            type, fields: [labelled('Body, ' + type, field)],
            read: () => ({ body: field.value, contentType: type === '*/*' ? 'application/octet-stream' : type }),
          };
        }

        /** Puts the parameters where they belong. */
        function requestFor({ path, method, operation }, inputs, secrets, body) {
          const query = new URLSearchParams();
          const headers = new Headers();
          let target = path;
          for (const [parameter, field] of inputs) {
            const values = valuesOf(field);
            if (parameter.in === 'path') target = target.replace('{' + parameter.name + '}', encodeURIComponent(values.join(',')));
            else if (parameter.in === 'query') values.forEach((value) => query.append(parameter.name, value));
            else if (parameter.in === 'header' && values.length) headers.set(parameter.name, values.join(', '));
          }
          for (const [scheme, field] of secrets) {
            if (!field.value) continue;
            if (scheme.scheme === 'bearer') headers.set('Authorization', 'Bearer ' + field.value);
            else if (scheme.scheme === 'basic') headers.set('Authorization', 'Basic ' + btoa(String.fromCharCode(...new TextEncoder().encode(field.value))));
            else if (scheme.in === 'header') headers.set(scheme.name, field.value);
            else if (scheme.in === 'query') query.append(scheme.name, field.value);
          }
          const { body: data, contentType } = body.read?.() ?? {};
          if (contentType) headers.set('Content-Type', contentType);
          const hasBody = data !== undefined && !['get', 'head'].includes(method);
          return [target + (query.size ? '?' + query : ''), { method: method.toUpperCase(), headers, body: hasBody ? data : undefined }];
        }

        const quoted = (text) => "'" + text.replaceAll("'", "'\\''") + "'";

        /** The request as a command line. */
        function curl([target, { method, headers, body }]) {
          const parts = ['curl', '-X', method, quoted(new URL(target, location.href).href)];
          for (const [name, value] of headers) parts.push('-H', quoted(name + ': ' + value));
          if (body instanceof FormData) for (const [name, value] of body) parts.push('-F', quoted(name + '=' + (value.name ? '@' + value.name : value)));
          else if (body !== undefined) parts.push('--data-raw', quoted(String(body)));
          return parts.join(' ');
        }

        async function show(output, [target, options]) {
          const start = performance.now();
          const response = await fetch(target, options);
          const type = response.headers.get('Content-Type') ?? '';
          const data = await response.blob();
          const time = Math.round(performance.now() - start);
          const fields = [...response.headers].map(([name, value]) => name + ': ' + value).join('\n');
          let content;
          if (/^image\//.test(type)) {
            content = make('img', { alt: 'The image that was answered', src: await new Promise((done) => {
              const reader = new FileReader();
              reader.onload = () => done(reader.result);
              reader.readAsDataURL(data);
            }) });
          } else {
            let text = await data.text();
            if (/json/.test(type)) try { text = JSON.stringify(JSON.parse(text), null, 2); } catch { /* As it came. */ }
            content = text ? make('pre', {}, text.length > 200000 ? text.slice(0, 200000) + '\n…' : text) : make('p', { className: 'hint' }, 'No body.');
          }
          output.replaceChildren(
            make('div', {}, make('span', { className: 'code ' + (response.ok ? 'good' : 'bad') }, response.status + ' ' + response.statusText), ' ',
              make('span', { className: 'hint' }, time + ' ms, ' + data.size + ' bytes')),
            make('details', {}, make('summary', {}, 'Header fields'), make('pre', {}, fields)), content);
        }

        /** The form that sends a request. */
        function trial(entry) {
          const { operation } = entry;
          const inputs = (operation.parameters ?? []).filter((parameter) => parameter.in !== 'cookie')
            .map((parameter) => [parameter, control(parameter.name, parameter.schema, parameter.required)]);
          const secrets = (operation.security ?? []).flatMap((needed) => Object.keys(needed))
            .map((name) => api.components.securitySchemes?.[name]).filter((scheme) => scheme && scheme.in !== 'cookie')
            .map((scheme) => [scheme, make('input', { type: 'password', autocomplete: 'off', placeholder: scheme.scheme === 'basic' ? 'user:password' : 'secret' })]);
          const body = bodyFields(operation);
          const output = make('div', { className: 'answer', 'aria-live': 'polite' });
          const send = make('button', { type: 'submit' }, 'Send');
          const copy = make('button', { type: 'button', className: 'plain' }, 'Show as curl');
          const form = make('form', {}, inputs.map(([parameter, field]) => labelled(parameter.name, field)),
            secrets.map(([scheme, field]) => labelled(scheme.name ?? 'Authorization (' + scheme.scheme + ')', field)), body.fields,
            make('div', { className: 'actions' }, send, copy));
          form.noValidate = true;
          const ready = () => requestFor(entry, inputs, secrets, body);
          copy.addEventListener('click', () => output.replaceChildren(make('pre', {}, curl(ready()))));
          form.addEventListener('submit', async (event) => {
            event.preventDefault();
            send.disabled = true;
            try { await show(output, ready()); } catch (error) {
              output.replaceChildren(make('p', { className: 'must' }, 'The request could not be sent: ' + error.message));
            }
            send.disabled = false;
          });
          return make('div', {}, form, output);
        }
        """#
}

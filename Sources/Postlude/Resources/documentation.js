// Builds the page from the document. Texts of the document become text nodes, never markup.
'use strict';
{
const api = JSON.parse(document.getElementById('document').textContent);
const server = (api.servers?.[0]?.url ?? '').replace(/\/$/, '');

/** An element with properties and children; `false`, `null` and the like are omitted. */
function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name in node && typeof value !== 'string') node[name] = value;
    else node.setAttribute(name === 'className' ? 'class' : name, value === true ? '' : value);
  }
  node.append(...children.flat(Infinity).filter((child) => child || child === 0));
  return node;
}

function resolve(schema) {
  let current = schema;
  for (let step = 0; current?.$ref && step < 20; step++) {
    current = api.components.schemas[current.$ref.split('/').pop()];
  }
  return current ?? {};
}

/** A description, which is CommonMark; nothing without one. */
const described = (text, className = 'hint', base = 3) => text && make('div', { className: className + ' prose' }, commonMark(text, base));

/** Copies a text. Without a secure context there is no Clipboard API, and the text is selected instead. */
async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = make('textarea', { className: 'skip', 'aria-hidden': 'true' });
  area.value = text;
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand('copy');
  area.remove();
  if (!isCopied) throw new Error('The browser has refused');
}

/** A text in a block, with a button that copies it. */
function block(text) {
  const status = make('span', { className: 'hint', role: 'status' });
  const copy = make('button', { type: 'button', className: 'plain copy' }, 'Copy');
  copy.addEventListener('click', async () => {
    try { await copyText(text); status.textContent = 'Copied'; } catch (error) { status.textContent = 'Not copied: ' + error.message; }
    setTimeout(() => { status.textContent = ''; }, 3000);
  });
  return make('div', { className: 'block' }, make('pre', { tabindex: '0' }, text), make('div', { className: 'actions' }, copy, status));
}

const nameOf = (schema) => schema?.$ref?.split('/').pop();

const plainBounds = new Set(['-9223372036854775808', '9223372036854776000', '-9223372036854776000', '9223372036854775807']);

/** The kind of a value in a few words. */
function kind(schema) {
  if (!schema || schema === true) return 'any';
  if (schema.$ref) return nameOf(schema);
  if (schema.anyOf) return schema.anyOf.map(kind).join(' or ');
  if (schema.allOf) return schema.allOf.map(kind).join(' and ');
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const types = [schema.type ?? 'any'].flat();
  return types.map((type) => {
    if (type === 'array') { const item = kind(schema.items); return (/ /.test(item) ? '(' + item + ')' : item) + '[]'; }
    if (type === 'object' && typeof schema.additionalProperties === 'object') {
      return 'object of ' + kind(schema.additionalProperties);
    }
    if (schema.format === 'binary') return 'file';
    return schema.format && type !== 'null' && !['int64', 'double'].includes(schema.format) ? type + ' (' + schema.format + ')' : type;
  }).join(' or ');
}

/** The other rules for a value. */
function rules(schema) {
  const words = {
    minimum: '≥ ', exclusiveMinimum: '> ', maximum: '≤ ', exclusiveMaximum: '< ', minLength: 'length ≥ ',
    maxLength: 'length ≤ ', minItems: 'count ≥ ', maxItems: 'count ≤ ', minProperties: 'members ≥ ',
    maxProperties: 'members ≤ ', pattern: 'matches ', contentEncoding: '', default: 'default ',
  };
  const parts = [schema, ...(schema?.anyOf ?? [])].flatMap((part) => Object.entries(words)
    .filter(([name]) => part?.[name] !== undefined && !plainBounds.has(String(part[name])))
    .map(([name, word]) => word + (name === 'default' ? JSON.stringify(part[name]) : part[name])));
  return parts.join(' · ');
}

/** The types in a schema, in nested lists that can be opened. */
function properties(schema, path = []) {
  const target = resolve(schema);
  if (target.anyOf) return target.anyOf.map((part) => nested(part, path)).find(Boolean);
  if (target.type === 'array') return nested(target.items, path);
  if (typeof target.additionalProperties === 'object') return nested(target.additionalProperties, path);
  if (!target.properties) return null;
  return make('ul', { className: 'schema' }, Object.entries(target.properties).map(([name, value]) => make('li', {},
    make('code', { className: 'name' }, name), make('span', { className: 'type' }, kind(value)),
    target.required?.includes(name) && make('span', { className: 'must' }, 'required'),
    described(value.description),
    rules(value) && make('div', { className: 'hint' }, rules(value)), nested(value, path))));
}

function nested(schema, path) {
  const name = nameOf(schema);
  if (!schema || schema === true || (name && path.includes(name))) return null;
  const inner = properties(schema, name ? [...path, name] : path);
  if (!inner || !name) return inner;
  return make('details', { open: path.length === 0 }, make('summary', {}, name), inner);
}

/** A value that a client could send. */
function example(schema, path = []) {
  const name = nameOf(schema);
  if (name && path.includes(name)) return null;
  const target = resolve(schema);
  const steps = name ? [...path, name] : path;
  if (target.examples?.length) return target.examples[0];
  if (target.const !== undefined) return target.const;
  if (target.default !== undefined) return target.default;
  if (target.enum) return target.enum[0];
  if (target.anyOf) return example(target.anyOf[0], steps);
  if (target.allOf) return Object.assign({}, ...target.allOf.map((part) => example(part, steps)));
  switch ([target.type].flat()[0]) {
    case 'object': return Object.fromEntries(Object.entries(target.properties ?? {})
      .filter(([key, value]) => target.required?.includes(key) || !nameOf(value) || !steps.includes(nameOf(value)))
      .map(([key, value]) => [key, example(value, steps)]));
    case 'array': return target.items && target.minItems > 0 ? [example(target.items, steps)] : [];
    case 'boolean': return false;
    case 'integer': case 'number': {
      const low = target.minimum ?? (target.exclusiveMinimum !== undefined ? target.exclusiveMinimum + 1 : 0);
      return Math.max(low, Math.min(target.maximum ?? 0, 0)) || 0;
    }
    case 'string': return {
      'date-time': '2030-01-31T12:00:00Z', uuid: '00000000-0000-4000-8000-000000000000',
      uri: 'https://example.com/', email: 'user@example.com',
    }[target.format] ?? (target.minLength > 0 ? 'text' : '');
    default: return null;
  }
}

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

const cookieNote = 'The browser sends its own cookies of this site. A page cannot set this one for a request.';

function parameterRow(parameter) {
  const schema = parameter.schema ?? {};
  return make('div', { className: 'row' },
    make('div', {}, make('code', { className: 'name' }, parameter.name),
      parameter.required && make('span', { className: 'must' }, ' required'),
      make('span', { className: 'place' }, parameter.in)),
    make('div', {}, make('span', { className: 'type' }, kind(schema)),
      described(parameter.description),
      parameter.in === 'cookie' && make('div', { className: 'hint' }, cookieNote),
      rules(schema) && make('div', { className: 'hint' }, rules(schema)), properties(schema)));
}

function contentRows(content) {
  return Object.entries(content ?? {}).map(([type, { schema }]) => make('div', {},
    make('span', { className: 'chip' }, type), ' ', !nameOf(schema) && make('span', { className: 'type' }, kind(schema)),
    rules(schema) && make('div', { className: 'hint' }, rules(schema)), nested(schema, [])));
}

function answerRow([status, answer]) {
  const mood = /^[23]/.test(status) ? 'good' : 'bad';
  // Errors are the same everywhere: their schemas stay closed.
  const rows = contentRows(answer.content);
  if (mood === 'bad') rows.forEach((row) => row.querySelectorAll('details').forEach((part) => { part.open = false; }));
  return make('div', { className: 'row' }, make('div', {}, make('span', { className: 'code ' + mood }, status)),
    make('div', {}, described(answer.description, ''), rows, examples(answer.content, mood === 'good')));
}

/** An example of each body: the document's, or one of the schema. */
function examples(content, isOpen) {
  return Object.entries(content ?? {}).map(([type, { schema, example: given }]) => {
    const isJSON = /json/.test(type);
    const value = given ?? (isJSON ? example(schema) : undefined);
    if (value === undefined || (value === null && given === undefined)) return null;
    return make('details', { open: isOpen }, make('summary', {}, 'Example'),
      block(isJSON ? JSON.stringify(value, null, 2) : String(value)));
  });
}

/** Successes first, then redirections and errors: JavaScript puts keys that are numbers before all others. */
function ordered(responses) {
  const rank = (status) => /^2/.test(status) ? 0 : /^3/.test(status) ? 1 : status === 'default' ? 3 : 2;
  return Object.entries(responses ?? {}).sort(([one], [other]) => rank(one) - rank(other));
}

/** The details of an operation, created when it is first opened. */
function details({ operation, ...entry }) {
  const parameters = operation.parameters ?? [];
  const schemes = (operation.security ?? []).flatMap((needed) => Object.keys(needed));
  return make('div', { className: 'body' },
    described(operation.description, 'note', 2),
    schemes.length > 0 && make('p', { className: 'note' }, 'Needs ', schemes.map((name) => [make('span', { className: 'chip' }, name), ' ']),
      make('a', { href: '#credentials' }, 'Credentials')),
    parameters.length > 0 && section('Parameters', make('div', { className: 'rows' }, parameters.map(parameterRow))),
    operation.requestBody && section('Body' + (operation.requestBody.required ? '' : ' (may be absent)'),
      make('div', { className: 'rows' }, make('div', { className: 'row wide' }, contentRows(operation.requestBody.content)))),
    section('Answers', make('div', { className: 'rows' }, ordered(operation.responses).map(answerRow))),
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

/** A field with its name, and a place for what is wrong with it. */
const labelled = (text, field) => make('div', { className: 'field' },
  make('label', {}, make('span', {}, text, field.required && make('span', { className: 'must' }, ' required')), field),
  make('div', { className: 'must', role: 'alert' }));

/** Marks the required fields that are empty, and returns the first one. */
function firstEmpty(form) {
  const fields = [...form.querySelectorAll('input, select, textarea')];
  for (const field of fields) {
    const isEmpty = field.required && field.value === '';
    field.setAttribute('aria-invalid', isEmpty);
    field.closest('.field').querySelector('[role=alert]').textContent = isEmpty ? 'Required: give a value' : '';
  }
  return fields.find((field) => field.getAttribute('aria-invalid') === 'true');
}

/** Whether a request needs a text for the parameter: the rest of a path may be empty. */
const needsText = ({ in: place, required, schema }) => Boolean(required) &&
  !(place === 'path' && schema?.type === 'string' && !['minLength', 'pattern', 'format', 'enum'].some((name) => name in schema));

/** The field of each security scheme, for all operations. What is entered stays on this page until it is loaded again. */
const credentials = new Map(Object.entries(api.components?.securitySchemes ?? {}).map(([name, scheme]) => [name, {
  scheme, field: scheme.in === 'cookie' ? null : make('input', {
    type: 'password', autocomplete: 'off', placeholder: scheme.scheme === 'basic' ? 'user:password' : 'secret',
  }),
}]));

function credentialsForm() {
  if (!credentials.size) return null;
  const what = (scheme) => scheme.name ? scheme.name + ' (' + scheme.in + ')' : 'Authorization: ' + scheme.scheme;
  return make('section', { id: 'credentials', tabindex: '-1', 'aria-labelledby': 'credentials-title' },
    make('h2', { className: 'group', id: 'credentials-title' }, 'Credentials'),
    make('p', { className: 'hint' }, 'Entered once, they are sent with each operation that needs them. They stay on this page until it is closed or loaded again.'),
    make('div', { className: 'form' }, [...credentials].map(([name, { scheme, field }]) => field
      ? labelled(name + ', ' + what(scheme), field)
      : make('p', { className: 'hint' }, make('code', {}, name), ', ' + what(scheme) + '. ' + cookieNote))));
}

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
  const field = make('textarea', { name: 'body', spellcheck: 'false', required: Boolean(operation.requestBody.required) });
  if (type === 'application/json') field.value = JSON.stringify(content.example ?? example(content.schema), null, 2);
  return {
    type, fields: [labelled('Body, ' + type, field)],
    read: () => ({ body: field.value, contentType: type === '*/*' ? 'application/octet-stream' : type }),
  };
}

/** Puts the parameters into the path, the query and the header fields. */
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
  for (const { scheme, field } of secrets) {
    if (!field?.value) continue;
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

/** The request as a command line. A page cannot read cookies: theirs is the place for a value. */
function curl([target, { method, headers, body }], cookies) {
  const parts = ['curl', '-X', method, quoted(new URL(target, location.href).href)];
  for (const [name, value] of headers) parts.push('-H', quoted(name + ': ' + value));
  if (cookies.length) parts.push('-b', quoted(cookies.map((name) => name + '=VALUE').join('; ')));
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
    content = text ? block(text.length > 200000 ? text.slice(0, 200000) + '\n…' : text) : make('p', { className: 'hint' }, 'No body.');
  }
  output.replaceChildren(
    make('div', {}, make('span', { className: 'code ' + (response.ok ? 'good' : 'bad') }, response.status + ' ' + response.statusText), ' ',
      make('span', { className: 'hint' }, time + ' ms, ' + data.size + ' bytes')),
    make('details', {}, make('summary', {}, 'Header fields'), block(fields)), content);
}

/** The form that sends a request. */
function trial(entry) {
  const { operation } = entry;
  const parameters = operation.parameters ?? [];
  const inputs = parameters.filter((parameter) => parameter.in !== 'cookie')
    .map((parameter) => [parameter, control(parameter.name, parameter.schema, needsText(parameter))]);
  const secrets = (operation.security ?? []).flatMap((needed) => Object.keys(needed)).map((name) => credentials.get(name)).filter(Boolean);
  const required = parameters.filter((parameter) => parameter.in === 'cookie' && parameter.required).map((parameter) => parameter.name);
  const cookies = [...required, ...secrets.filter(({ scheme }) => scheme.in === 'cookie').map(({ scheme }) => scheme.name)];
  const body = bodyFields(operation);
  const output = make('div', { className: 'answer', 'aria-live': 'polite' });
  const send = make('button', { type: 'submit' }, 'Send');
  const copy = make('button', { type: 'button', className: 'plain' }, 'Show as curl');
  const form = make('form', {}, inputs.map(([parameter, field]) => labelled(parameter.name, field)),
    body.fields,
    make('div', { className: 'actions' }, send, copy));
  form.noValidate = true;
  const ready = () => requestFor(entry, inputs, secrets, body);
  copy.addEventListener('click', () => output.replaceChildren(block(curl(ready(), cookies))));
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const empty = firstEmpty(form);
    if (empty) { empty.focus(); return; }
    send.disabled = true;
    try { await show(output, ready()); } catch (error) {
      output.replaceChildren(make('p', { className: 'must' }, 'The request could not be sent: ' + error.message));
    }
    send.disabled = false;
  });
  return make('div', {}, form, output);
}

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
        described(api.info.description, 'about', 1),
        make('p', { className: 'actions note' }, button('Open all', () => all(true)), button('Close all', () => all(false)))),
      credentialsForm(),
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
}

/// The page's script: builds the page from the document. Texts of the document become text nodes, never markup.
enum PageScript {
    static let text =
        "'use strict';\n{\n" + [tools, schemas, operations, trying, page].joined(separator: "\n") + "\n}\n"

    private static let tools = #"""
        const api = JSON.parse(document.getElementById('document').textContent);
        const server = (api.servers?.[0]?.url ?? '').replace(/\/$/, '');

        /** An element with properties and children; `false`, `null` and the like are left out. */
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

        const nameOf = (schema) => schema?.$ref?.split('/').pop();
        """#

    private static let schemas = #"""
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

        /** What else a value has to be. */
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

        /** The types that a schema is made of, in lists that open one in the other. */
        function properties(schema, path = []) {
          const target = resolve(schema);
          if (target.anyOf) return target.anyOf.map((part) => nested(part, path)).find(Boolean);
          if (target.type === 'array') return nested(target.items, path);
          if (typeof target.additionalProperties === 'object') return nested(target.additionalProperties, path);
          if (!target.properties) return null;
          return make('ul', { className: 'schema' }, Object.entries(target.properties).map(([name, value]) => make('li', {},
            make('code', { className: 'name' }, name), make('span', { className: 'type' }, kind(value)),
            target.required?.includes(name) && make('span', { className: 'must' }, 'required'),
            value.description && make('div', { className: 'hint' }, value.description),
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
        """#
}

// Renders a subset of CommonMark as nodes: paragraphs, headings, lists, quotes, code, emphasis, links and line breaks.
// Texts become text nodes, so that HTML is shown as it is written. Images become links, since the page loads nothing.
'use strict';
const commonMark = (() => {
const patterns = {
  blank: /^[ \t]*$/, fence: /^( {0,3})(`{3,}(?=[^`]*$)|~{3,})/, heading: /^ {0,3}(#{1,6})(?:[ \t]+(.*?))??(?:[ \t]+#+)?[ \t]*$/,
  rule: /^ {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$/, quote: /^ {0,3}> ?/, underline: /^ {0,3}(=+|-+)[ \t]*$/,
  item: /^( {0,3})([-+*]|\d{1,9}[.)])( {1,4}(?=[^ ])| +|$)/, indented: /^ {4}/,
};
const entities = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: '\u00a0', copy: '©', ndash: '–', mdash: '—', hellip: '…' };
const punctuation = /[!-/:-@[-`{-~\p{P}\p{S}]/u;

const element = (tag, ...children) => {
  const node = document.createElement(tag);
  node.append(...children.flat());
  return node;
};

/** Whether a line ends the paragraph before it. */
function interrupts(line) {
  const item = patterns.item.exec(line);
  return patterns.fence.test(line) || patterns.heading.test(line) || patterns.rule.test(line) || patterns.quote.test(line) ||
    (item && item[0].length < line.length && !/^[02-9]|^1\d/.test(item[2]));
}

/** The nodes of lines. `base` is added to the level of headings; a tight list's paragraphs have no element. */
function blocks(lines, base, isTight = false) {
  const nodes = [];
  for (let i = 0; i < lines.length;) {
    const line = lines[i];
    const [fence, heading, item] = [patterns.fence, patterns.heading, patterns.item].map((pattern) => pattern.exec(line));
    if (patterns.blank.test(line)) {
      i++;
    } else if (patterns.indented.test(line)) {
      const start = i;
      while (i < lines.length && (patterns.indented.test(lines[i]) || patterns.blank.test(lines[i]))) i++;
      nodes.push(code(lines.slice(start, i).map((each) => each.slice(4)).join('\n').trimEnd()));
    } else if (fence) {
      const closing = new RegExp('^ {0,3}' + fence[2][0] + '{' + fence[2].length + ',}[ \\t]*$');
      const start = ++i;
      while (i < lines.length && !closing.test(lines[i])) i++;
      nodes.push(code(lines.slice(start, i).map((each) => each.replace(new RegExp('^ {0,' + fence[1].length + '}'), '')).join('\n')));
      i++;
    } else if (heading) {
      nodes.push(element('h' + Math.min(6, base + heading[1].length), inline((heading[2] ?? '').trim())));
      i++;
    } else if (patterns.rule.test(line)) {
      nodes.push(element('hr'));
      i++;
    } else if (patterns.quote.test(line)) {
      const start = i;
      const isLazy = (at) => !patterns.blank.test(lines[at]) && !patterns.item.test(lines[at]) && !interrupts(lines[at]) &&
        !/^ {0,3}>[ \t]*$/.test(lines[at - 1]);
      while (i < lines.length && (patterns.quote.test(lines[i]) || isLazy(i))) i++;
      nodes.push(element('blockquote', blocks(lines.slice(start, i).map((each) => each.replace(patterns.quote, '')), base)));
    } else if (item) {
      const end = list(lines, i, base, nodes);
      i = end;
    } else {
      const start = i++;
      while (i < lines.length && !patterns.blank.test(lines[i]) && !patterns.underline.test(lines[i]) && !interrupts(lines[i])) i++;
      const text = inline(lines.slice(start, i).map((each) => each.trimStart()).join('\n').trimEnd());
      const underline = i < lines.length && patterns.underline.exec(lines[i]);
      if (underline) {
        nodes.push(element('h' + Math.min(6, base + (underline[1][0] === '=' ? 1 : 2)), text));
        i++;
      } else {
        nodes.push(...(isTight ? text : [element('p', text)]));
      }
    }
  }
  return nodes;
}

const code = (text) => element('pre', element('code', text));

/** Adds the list that begins at a line, and returns the line after it. */
function list(lines, start, base, nodes) {
  const first = patterns.item.exec(lines[start]);
  const kind = first[2].at(-1);
  const items = [];
  let isLoose = false;
  let i = start;
  for (let item = first; item && item[2].at(-1) === kind && !patterns.rule.test(lines[i]); item = i < lines.length && patterns.item.exec(lines[i])) {
    if (items.length && patterns.blank.test(lines[i - 1])) isLoose = true;
    const width = item[1].length + item[2].length + (item[3].length > 4 || !item[3] ? 1 : item[3].length);
    const content = [lines[i].slice(width)];
    for (i++; i < lines.length; i++) {
      const [line, before] = [lines[i], content.at(-1)];
      if (patterns.blank.test(line)) content.push('');
      else if (line.search(/[^ ]/) >= width) content.push(line.slice(width));
      else if (patterns.blank.test(before) || patterns.item.test(line) || interrupts(line)) break;
      else content.push(line.trimStart());
    }
    while (content.length > 1 && content.at(-1) === '') content.pop();
    if (content.some((line, number) => line === '' && number > 0 && !/^[ \t]/.test(content[number + 1] ?? ''))) isLoose = true;
    items.push(content);
  }
  const node = element(/\d/.test(first[2]) ? 'ol' : 'ul', items.map((content) => element('li', blocks(content, base, !isLoose))));
  if (/^\d/.test(first[2]) && parseInt(first[2]) !== 1) node.setAttribute('start', parseInt(first[2]));
  nodes.push(node);
  return i;
}

/** A link, or its text alone if the address is not one of the web. */
function link(address, children) {
  let url;
  try { url = new URL(address, location.href); } catch { return children; }
  if (!['http:', 'https:', 'mailto:'].includes(url.protocol)) return children;
  const node = element('a', children);
  node.setAttribute('href', address);
  node.setAttribute('rel', 'noreferrer');
  return [node];
}

const unescaped = (text) => text.replace(/\\([!-/:-@[-`{-~])/g, '$1');

/** The index of the bracket that closes the one at an index; -1 without one. */
function closing(text, start) {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '[') depth++;
    else if (text[i] === ']' && --depth === 0) return i;
    else if (text[i] === '`') {
      const run = /^`+/.exec(text.slice(i))[0];
      const end = ends(text, i + run.length, run.length);
      i = (end < 0 ? i + run.length : end + run.length) - 1;
    }
  }
  return -1;
}

/** The index of the next run of exactly so many backticks; -1 without one. */
function ends(text, start, length) {
  for (const match of text.slice(start).matchAll(/`+/g)) if (match[0].length === length) return start + match.index;
  return -1;
}

/** The nodes of a text: code, links, line breaks, emphasis. */
function inline(text) {
  const parts = []; // Nodes, strings, and delimiters: { mark, count, opens, closes }.
  const add = (part) => {
    if (typeof part === 'string' && typeof parts.at(-1) === 'string') parts[parts.length - 1] += part;
    else parts.push(part);
  };
  for (let i = 0; i < text.length;) {
    const rest = text.slice(i);
    let match;
    if ((match = /^\\([!-/:-@[-`{-~])/.exec(rest))) {
      add(match[1]);
      i += 2;
    } else if ((match = /^(?: {2,}|\\)\n[ \t]*/.exec(rest))) {
      add(element('br'));
      i += match[0].length;
    } else if ((match = /^`+/.exec(rest))) {
      const run = match[0].length;
      const end = ends(text, i + run, run);
      if (end < 0) {
        add(match[0]);
        i += run;
      } else {
        const content = text.slice(i + run, end).replaceAll('\n', ' ');
        add(element('code', /^ .*[^ ].* $|^ [^ ] $/.test(content) ? content.slice(1, -1) : content));
        i = end + run;
      }
    } else if ((match = /^<([a-zA-Z][a-zA-Z0-9+.-]{1,31}:[^\s<>]*)>/.exec(rest))) {
      link(match[1], [match[1]]).forEach(add);
      i += match[0].length;
    } else if ((match = /^<([\w.+-]+@[\w-]+(?:\.[\w-]+)*)>/.exec(rest))) {
      link('mailto:' + match[1], [match[1]]).forEach(add);
      i += match[0].length;
    } else if ((match = /^&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|(\w+));/.exec(rest))) {
      const number = match[1] ? parseInt(match[1]) : match[2] ? parseInt(match[2], 16) : null;
      add(number === null ? entities[match[3]] ?? match[0] : number > 0 && number <= 0x10ffff ? String.fromCodePoint(number) : '\ufffd');
      i += match[0].length;
    } else if ((match = /^!?\[/.exec(rest))) {
      const open = i + match[0].length - 1;
      const end = closing(text, open);
      const target = end >= 0 &&
        /^\(\s*(?:<([^<>\n]*)>|((?:\\.|[^\s()\\]|\((?:\\.|[^\s()\\])*\))*))(?:\s+(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\((?:\\.|[^)\\])*\)))?\s*\)/.exec(text.slice(end + 1));
      if (target) {
        link(unescaped(target[1] ?? target[2]), inline(text.slice(open + 1, end))).forEach(add);
        i = end + 1 + target[0].length;
      } else {
        add(match[0]);
        i += match[0].length;
      }
    } else if ((match = /^(\*+|_+)/.exec(rest))) {
      const [before, after] = [text[i - 1] ?? ' ', text[i + match[0].length] ?? ' '];
      const left = !/\s/.test(after) && (!punctuation.test(after) || /\s/.test(before) || punctuation.test(before));
      const right = !/\s/.test(before) && (!punctuation.test(before) || /\s/.test(after) || punctuation.test(after));
      const isStar = match[0][0] === '*';
      parts.push({
        mark: match[0][0], count: match[0].length, opens: left && (isStar || !right || punctuation.test(before)),
        closes: right && (isStar || !left || punctuation.test(after)),
      });
      i += match[0].length;
    } else {
      const plain = /^(?:[^\\`<&![*_ ]|[ ](?! *\n))+|^[^]/.exec(rest)[0];
      add(plain === ' ' && /^ *\n/.test(rest) ? '' : plain);
      i += plain.length;
    }
  }
  return emphasized(parts);
}

/** Pairs delimiters (CommonMark 0.31, "An algorithm for parsing nested emphasis and links"), without its rule of three. */
function emphasized(parts) {
  for (let end = 0; end < parts.length; end++) {
    const closer = parts[end];
    if (!closer.closes || closer.count === 0) continue;
    let start = end - 1;
    while (start >= 0 && !(parts[start].opens && parts[start].mark === closer.mark && parts[start].count > 0)) start--;
    if (start < 0) continue;
    const opener = parts[start];
    const width = opener.count > 1 && closer.count > 1 ? 2 : 1;
    const content = parts.slice(start + 1, end).map(plain);
    opener.count -= width;
    closer.count -= width;
    parts.splice(start + 1, end - start - 1, element(width === 2 ? 'strong' : 'em', content));
    end = start + 1;
  }
  return parts.map(plain);
}

const plain = (part) => part.mark ? part.mark.repeat(part.count) : part;

return (text, base = 3) => blocks(text.replace(/\r\n?/g, '\n').replaceAll('\t', '    ').split('\n'), base);
})();

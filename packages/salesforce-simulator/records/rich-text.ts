/**
 * What a rich text area makes of the HTML that it is given: elements that do something go with their contents, other unknown ones
 * and all event handlers go, and characters that HTML needs itself are written as entities. The length counts what is stored
 * (Rich Text Area Field Considerations; what exactly is cleaned is not documented).
 */

const KEPT = [
  ...[
    'a',
    'abbr',
    'acronym',
    'address',
    'b',
    'bdo',
    'big',
    'blockquote',
    'br',
    'caption',
    'cite',
    'code',
    'col',
    'colgroup',
  ],
  ...[
    'dd',
    'del',
    'dfn',
    'div',
    'dl',
    'dt',
    'em',
    'font',
    'h1',
    'h2',
    'h3',
    'h4',
    'h5',
    'h6',
    'hr',
    'i',
    'img',
    'ins',
    'kbd',
  ],
  ...[
    'li',
    'ol',
    'p',
    'pre',
    'q',
    's',
    'samp',
    'small',
    'span',
    'strike',
    'strong',
    'sub',
    'sup',
    'table',
    'tbody',
    'td',
  ],
  ...['tfoot', 'th', 'thead', 'tr', 'tt', 'u', 'ul', 'var'],
];
const ACTIVE = /<(script|style|iframe|object|embed|applet|form|noscript)\b[\s\S]*?(<\/\1\s*>|$)/gi;
const TAG = /<\/?([a-z][a-z0-9]*)\b[^<>]*>/gi;
const HANDLER = /\s+(on[a-z]+|srcdoc)\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)/gi;
const SCRIPT_ADDRESS = /\s+(href|src)\s*=\s*("\s*javascript:[^"]*"|'\s*javascript:[^']*')/gi;

export function cleanedHtml(html: string): string {
  const passive = html.replace(/<!--[\s\S]*?-->/g, '').replace(ACTIVE, '');
  let cleaned = '';
  let end = 0;
  for (const tag of passive.matchAll(TAG)) {
    cleaned += escaped(passive.slice(end, tag.index));
    if (KEPT.includes(String(tag[1]).toLowerCase())) cleaned += tag[0].replace(HANDLER, '').replace(SCRIPT_ADDRESS, '');
    end = tag.index + tag[0].length;
  }
  return cleaned + escaped(passive.slice(end));
}

/** Entities that are there stay as they are. */
function escaped(text: string): string {
  return text
    .replace(/&(?!#\d+;|#x[0-9a-f]+;|[a-z][a-z0-9]*;)/gi, '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

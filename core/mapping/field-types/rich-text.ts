/**
 * Rich text. Salesforce saves HTML in a spelling of its own: the names of tags in lower case, attributes in another order, characters as
 * entities, and without tags and attributes that it does not support. That is what it stores of a text, and nobody's edit.
 */
import type { FieldType } from './field-type.ts';

/** Tags that a rich text area keeps; the text within others stays (Salesforce Help, "Supported HTML Tags"). */
const TAGS: ReadonlySet<string> = new Set(
  `a abbr acronym address b bdo big blockquote br caption cite code col colgroup dd del dfn div dl dt em font h1 h2 h3 h4 h5 h6 hr i img
   ins kbd li ol p pre q s samp small span strike strong sub sup table tbody td tfoot th thead tr tt u ul var`.split(
    /\s+/,
  ),
);
const ATTRIBUTES: ReadonlySet<string> = new Set(
  'align alt background bgcolor border cellpadding cellspacing class color colspan dir face height href lang name rowspan size src start style target title type valign width'.split(
    ' ',
  ),
);
const NAMED: Readonly<Record<string, string>> = {
  ...{
    amp: '&',
    lt: '<',
    gt: '>',
    quot: '"',
    apos: "'",
    nbsp: '\u00A0',
    copy: '\u00A9',
    reg: '\u00AE',
    hellip: '\u2026',
  },
  ...{
    ndash: '\u2013',
    mdash: '\u2014',
    lsquo: '\u2018',
    rsquo: '\u2019',
    ldquo: '\u201C',
    rdquo: '\u201D',
    bull: '\u2022',
  },
  ...{
    euro: '\u20AC',
    pound: '\u00A3',
    sect: '\u00A7',
    laquo: '\u00AB',
    raquo: '\u00BB',
    middot: '\u00B7',
    trade: '\u2122',
  },
};

export function richText(plain: FieldType): FieldType {
  return { ...plain, isStoredAs: (given, stored) => normalHtml(given) === normalHtml(stored) };
}

/** What two spellings of one text have in common. Every character of the text and each supported tag is in it. */
function normalHtml(html: string): string {
  const spoken = html.replace(/<!--.*?-->|<(script|style)\b[^<>]*>.*?<\/\1\s*>/gis, '');
  const parts = spoken.split(/<(\/?[a-z][^<>]*)>/i);
  // Of each tag one part, between two of text.
  return parts
    .map((part, i) => (i % 2 === 1 ? normalTag(part) : JSON.stringify(decoded(part).replace(/[ \t\r\n\f]+/g, ' '))))
    .join('')
    .replaceAll('""', '');
}

function normalTag(tag: string): string {
  const [, end = '', given = '', rest = ''] = /^(\/?)([a-z][a-z0-9]*)(.*)$/is.exec(tag) ?? [];
  const name = given.toLowerCase();
  if (!TAGS.has(name)) return '';
  if (end !== '') return `</${name}>`;
  const attributes = [...rest.matchAll(/([a-z][\w-]*)\s*(?:=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+)))?/gi)].flatMap(
    ([, attribute = '', ...values]) => {
      const called = attribute.toLowerCase();
      if (!ATTRIBUTES.has(called)) return [];
      const value = decoded(values.find((each) => each !== undefined) ?? '').trim();
      return `${called}=${JSON.stringify(called === 'style' ? normalStyle(value) : value)}`;
    },
  );
  return `<${[name, ...attributes.sort()].join(' ')}>`;
}

function normalStyle(style: string): string {
  const rules = style.split(';').map((rule) => rule.trim().replace(/\s*:\s*/, ':'));
  return rules.filter((rule) => rule !== '').join(';');
}

function decoded(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]{2,8}));/gi, (entity, hex, decimal, name) => {
    if (name !== undefined) return NAMED[name.toLowerCase()] ?? entity;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code > 0x10ffff ? entity : String.fromCodePoint(code);
  });
}

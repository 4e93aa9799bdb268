/** A piece of XML text that needs no further escaping. */
export interface Xml {
  readonly xml: string;
}

// Carriage returns are written as a reference: a parser would read a bare one as a line feed.
const REFERENCES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};

function escapeText(text: string): string {
  return text.replace(/[&<>"\r]/g, (character) => REFERENCES[character] ?? character);
}

export type XmlContent = Xml | string | number | boolean | undefined | readonly XmlContent[];

/** An element; undefined content leaves the whole element out, a list is written one after the other inside it. */
export function element(name: string, content: XmlContent, namespace?: string): Xml | undefined {
  if (content === undefined) return undefined;
  const opening = namespace === undefined ? name : `${name} xmlns="${escapeText(namespace)}"`;
  return { xml: `<${opening}>${text(content)}</${name}>` };
}

function text(content: XmlContent): string {
  if (content === undefined) return '';
  if (typeof content === 'object') return 'xml' in content ? content.xml : content.map(text).join('');
  return escapeText(String(content));
}

/** A whole document. */
export function document(root: Xml | undefined): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${root?.xml ?? ''}`;
}

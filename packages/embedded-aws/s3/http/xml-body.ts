import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { s3Error } from '../errors.ts';

const LISTS: ReadonlySet<string> = new Set(['Object', 'Part', 'Tag']);

const parser = new XMLParser({
  ignoreAttributes: true,
  removeNSPrefix: true,
  parseTagValue: false,
  // Keys may begin and end with blanks, and have references such as &#13; in them.
  trimValues: false,
  htmlEntities: true,
  isArray: (name) => LISTS.has(name),
});

/** An element's children by name: text, an element, or a list for `Object`, `Part`, `Tag`. */
export type XmlElement = { readonly [name: string]: XmlNode };
export type XmlNode = string | XmlElement | readonly XmlNode[] | undefined;

/**
 * The root element of a request's document.
 * @throws AwsError `MalformedXML`
 */
export function parseBody(text: string, root: string): XmlElement {
  if (XMLValidator.validate(text) !== true) throw malformed('it is not well-formed');
  const parsed = parser.parse(text) as Record<string, XmlNode>;
  const element = parsed[root];
  if (element === undefined) throw malformed(`it is not a ${root}`);
  return typeof element === 'object' && !Array.isArray(element) ? (element as XmlElement) : {};
}

export function elementOf(parent: XmlElement, name: string): XmlElement | undefined {
  const child = parent[name];
  if (child === undefined) return undefined;
  return typeof child === 'object' && !Array.isArray(child) ? (child as XmlElement) : {};
}

export function elementsOf(parent: XmlElement, name: string): XmlElement[] {
  const child = parent[name];
  return Array.isArray(child) ? child.filter((item): item is XmlElement => typeof item === 'object') : [];
}

export function textOf(parent: XmlElement, name: string): string | undefined {
  const child = parent[name];
  return typeof child === 'string' ? child : undefined;
}

function malformed(reason: string): Error {
  return s3Error('MalformedXML', `The XML you provided was not what is expected here: ${reason}`);
}

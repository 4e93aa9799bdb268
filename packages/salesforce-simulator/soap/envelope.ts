import { XMLBuilder, XMLParser } from 'fast-xml-parser';
import type { Answer } from '../call.ts';
import { SalesforceError } from '../salesforce-error.ts';

/** An element as the parser gives it: text, or children by local name. Repeated elements become lists. */
export type XmlNode = string | { readonly [name: string]: XmlNode } | readonly XmlNode[] | undefined;

/** A SOAP request taken apart. */
export interface SoapRequest {
  /** Local name of the first element in the body: `undelete`, `login`. */
  readonly operation: string;
  readonly parameters: XmlNode;
  readonly sessionId: string | undefined;
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  removeNSPrefix: true,
  parseTagValue: false,
  trimValues: false,
  ignoreDeclaration: true,
});
const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  suppressEmptyNode: true,
  suppressBooleanAttributes: false,
});

/** Reads an envelope. Throws a SalesforceError for what is none. */
export function readEnvelope(xml: string): SoapRequest {
  const envelope = child(parse(xml), 'Envelope');
  const body = child(envelope, 'Body');
  const operation = Object.keys(typeof body === 'object' ? body : {}).find((name) => /^[A-Za-z]/.test(name));
  if (operation === undefined) throw new SalesforceError('UNKNOWN_EXCEPTION', 'the SOAP body names no operation');
  const sessionId = text(child(child(child(envelope, 'Header'), 'SessionHeader'), 'sessionId'));
  return { operation, parameters: child(body, operation), sessionId };
}

function parse(xml: string): XmlNode {
  try {
    return parser.parse(xml) as XmlNode;
  } catch (error) {
    throw new SalesforceError('UNKNOWN_EXCEPTION', `the SOAP request is no XML: ${String(error)}`);
  }
}

/** The element of this local name, or undefined. */
export function child(node: XmlNode, name: string): XmlNode {
  if (typeof node !== 'object' || Array.isArray(node)) return undefined;
  return (node as { readonly [name: string]: XmlNode })[name];
}

/** All elements of this local name. */
export function children(node: XmlNode, name: string): readonly XmlNode[] {
  const found = child(node, name);
  if (found === undefined) return [];
  return Array.isArray(found) ? (found as readonly XmlNode[]) : [found];
}

/** The text of an element; undefined when it is absent or `xsi:nil`. */
export function text(node: XmlNode): string | undefined {
  if (typeof node === 'string') return node;
  const inner = child(node, '#text');
  return typeof inner === 'string' ? inner : undefined;
}

const NAMESPACES = {
  '@xmlns:soapenv': 'http://schemas.xmlsoap.org/soap/envelope/',
  '@xmlns:xsi': 'http://www.w3.org/2001/XMLSchema-instance',
};

function envelope(status: number, namespaces: object, body: object): Answer {
  const xml = builder.build({ 'soapenv:Envelope': { ...NAMESPACES, ...namespaces, 'soapenv:Body': body } });
  return { status, text: `<?xml version="1.0" encoding="UTF-8"?>${xml}`, contentType: 'text/xml;charset=UTF-8' };
}

/** `<operationResponse><result>...`; a list of results becomes repeated elements. */
export function soapAnswer(operation: string, result: object | readonly object[]): Answer {
  return envelope(200, { '@xmlns': 'urn:partner.soap.sforce.com' }, { [`${operation}Response`]: { result } });
}

/** A fault: always HTTP 500, its code in the namespace `sf`. */
export function soapFault(error: SalesforceError): Answer {
  const fault = { faultcode: `sf:${error.code}`, faultstring: `${error.code}: ${error.message}` };
  return envelope(500, { '@xmlns:sf': 'urn:fault.partner.soap.sforce.com' }, { 'soapenv:Fault': fault });
}

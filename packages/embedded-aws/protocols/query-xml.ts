import type { AwsError, ServiceName } from '../service.ts';
import type { Answer } from './aws-json.ts';
import { document, element, type Xml, type XmlContent } from './xml.ts';

/** The services that speak the query protocol: form in, XML out. */
export const QUERY_SERVICES: Readonly<Partial<Record<ServiceName, { readonly namespace: string }>>> = {
  cloudformation: { namespace: 'http://cloudformation.amazonaws.com/doc/2010-05-15/' },
  monitoring: { namespace: 'http://monitoring.amazonaws.com/doc/2010-08-01/' },
  sns: { namespace: 'http://sns.amazonaws.com/doc/2010-03-31/' },
  sts: { namespace: 'https://sts.amazonaws.com/doc/2011-06-15/' },
};

interface Branch {
  leaf?: string;
  readonly children: Map<string, Branch>;
}

/**
 * The input of an operation from its form: `A.B=1` nests, `A.member.1=x` is a list, `A.entry.1.key/value` (or
 * `Name`/`Value`) is a map. Leaves stay strings. `Action` and `Version` are left out.
 */
export function decodeForm(form: URLSearchParams): Record<string, unknown> {
  const root: Branch = { children: new Map() };
  for (const [path, value] of form) {
    let branch = root;
    for (const step of path.split('.')) {
      const next: Branch = branch.children.get(step) ?? { children: new Map() };
      branch.children.set(step, next);
      branch = next;
    }
    branch.leaf = value;
  }
  const entries = [...root.children].filter(([name]) => name !== 'Action' && name !== 'Version');
  return Object.fromEntries(entries.map(([name, branch]) => [name, decodeBranch(branch)]));
}

function decodeBranch(branch: Branch): unknown {
  const members = branch.children.get('member');
  if (members !== undefined) return inOrder(members).map(decodeBranch);
  const entries = branch.children.get('entry');
  if (entries !== undefined) {
    return Object.fromEntries(
      inOrder(entries).map((entry) => {
        const key = entry.children.get('key') ?? entry.children.get('Name');
        const value = entry.children.get('value') ?? entry.children.get('Value');
        return [key?.leaf ?? '', value === undefined ? '' : decodeBranch(value)];
      }),
    );
  }
  if (branch.children.size === 0) return branch.leaf ?? '';
  return Object.fromEntries([...branch.children].map(([name, child]) => [name, decodeBranch(child)]));
}

function inOrder(branch: Branch): Branch[] {
  return [...branch.children].sort(([a], [b]) => Number(a) - Number(b)).map(([, child]) => child);
}

/** Members that are maps in the services' models; every other object is a structure. */
const MAPS: ReadonlySet<string> = new Set(['Attributes']);

function members(value: object): Xml[] {
  return Object.entries(value).flatMap(([name, member]) => element(name, content(name, member)) ?? []);
}

function content(name: string, value: unknown): XmlContent {
  if (value === undefined) return undefined;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((item) => element('member', content('member', item)));
  if (typeof value === 'object' && value !== null) {
    if (!MAPS.has(name)) return members(value);
    return Object.entries(value).map(([key, item]) =>
      element('entry', [element('key', key), element('value', content('value', item))]),
    );
  }
  return String(value);
}

export function queryAnswer(service: ServiceName, operation: string, output: unknown, requestId: string): Answer {
  const result = typeof output === 'object' && output !== null ? members(output) : [];
  const body = document(
    element(
      `${operation}Response`,
      [element(`${operation}Result`, result), element('ResponseMetadata', [element('RequestId', requestId)])],
      QUERY_SERVICES[service]?.namespace,
    ),
  );
  return { status: 200, headers: { 'content-type': 'text/xml' }, body };
}

export function queryErrorAnswer(service: ServiceName | undefined, error: AwsError, requestId: string): Answer {
  const body = document(
    element(
      'ErrorResponse',
      [
        element('Error', [
          element('Type', error.status < 500 ? 'Sender' : 'Receiver'),
          element('Code', error.code),
          element('Message', error.message),
        ]),
        element('RequestId', requestId),
      ],
      service === undefined ? undefined : QUERY_SERVICES[service]?.namespace,
    ),
  );
  return { status: error.status, headers: { 'content-type': 'text/xml' }, body };
}

import { type Answer, type Call, errorAnswer, jsonObject, ok, type Route } from '../call.ts';
import type { Org } from '../org.ts';
import type { Router } from '../router.ts';
import { notFound, SalesforceError } from '../salesforce-error.ts';

const MAX_SUBREQUESTS = 25;
const MAX_QUERIES_AND_COLLECTIONS = 5;

/** `POST /composite`: up to 25 calls in one, later ones referring to the answers of earlier ones. */
export function compositeRoutes(subrequests: Router): readonly Route[] {
  const methods = { POST: (org: Org, call: Call) => composite(org, call, subrequests) };
  return [{ pattern: 'composite', kind: 'composite', methods }];
}

interface Subrequest {
  readonly method: string;
  readonly url: string;
  readonly referenceId: string;
  readonly body?: unknown;
  readonly httpHeaders?: Readonly<Record<string, string>>;
}

interface Subresponse {
  readonly body: unknown;
  readonly httpHeaders: Readonly<Record<string, string>>;
  readonly httpStatusCode: number;
  readonly referenceId: string;
}

/** Thrown to roll everything back when one call of an all-or-none request failed. */
class RolledBack extends Error {}

function composite(org: Org, call: Call, router: Router): Answer {
  const { compositeRequest, allOrNone } = jsonObject(call);
  const requests = Array.isArray(compositeRequest) ? compositeRequest.map(subrequest) : [];
  if (requests.length === 0) throw new SalesforceError('JSON_PARSER_ERROR', '"compositeRequest" needs subrequests');
  const heavy = requests.filter(({ url }) => /\/(query|queryAll|composite\/sobjects)\b/.test(url)).length;
  if (requests.length > MAX_SUBREQUESTS || heavy > MAX_QUERIES_AND_COLLECTIONS)
    throw new SalesforceError(
      'LIMIT_EXCEEDED',
      `at most ${MAX_SUBREQUESTS} subrequests, ${MAX_QUERIES_AND_COLLECTIONS} of them queries or collections`,
    );
  const responses: Subresponse[] = [];
  const run = () => {
    for (const request of requests) responses.push(respond(org, call, router, request, responses));
    if (allOrNone === true && responses.some(failed)) throw new RolledBack();
  };
  try {
    org.records.unitOfWork(run);
  } catch (error) {
    if (!(error instanceof RolledBack)) throw error;
    return ok({ compositeResponse: responses.map((response) => (failed(response) ? response : halted(response))) });
  }
  return ok({ compositeResponse: responses });
}

function subrequest(given: unknown): Subrequest {
  const request = (typeof given === 'object' && given !== null ? given : {}) as Partial<Subrequest>;
  const { method, url, referenceId } = request;
  if (typeof method !== 'string' || typeof url !== 'string' || typeof referenceId !== 'string')
    throw new SalesforceError('JSON_PARSER_ERROR', 'each subrequest needs method, url and referenceId');
  return { ...request, method, url, referenceId };
}

function failed({ httpStatusCode, body }: Subresponse): boolean {
  const rows = Array.isArray(body) ? (body as readonly { success?: unknown }[]) : [];
  return httpStatusCode >= 400 || rows.some((row) => row?.success === false);
}

function halted({ referenceId }: Subresponse): Subresponse {
  const message = 'The transaction was rolled back since another operation in the same transaction failed.';
  return { body: [{ errorCode: 'PROCESSING_HALTED', message }], httpHeaders: {}, httpStatusCode: 400, referenceId };
}

function respond(
  org: Org,
  call: Call,
  router: Router,
  request: Subrequest,
  earlier: readonly Subresponse[],
): Subresponse {
  const answer = carryOut(org, call, router, request, earlier);
  const { referenceId } = request;
  return { body: answer.json ?? null, httpHeaders: answer.headers ?? {}, httpStatusCode: answer.status, referenceId };
}

function carryOut(org: Org, call: Call, router: Router, request: Subrequest, earlier: readonly Subresponse[]): Answer {
  try {
    const url = String(substitute(request.url, earlier));
    const [path = '', query = ''] = url.split(/\?(.*)/s);
    const relative = path.replace(/^\/?services\/data\/v\d+\.\d+/i, '');
    const match = router.find(relative);
    const handler = match?.route.methods[request.method.toUpperCase()];
    if (match === undefined || handler === undefined) throw notFound();
    const body = substitute(request.body, earlier);
    const headers = Object.entries(request.httpHeaders ?? {}).map(([name, value]) => [name.toLowerCase(), value]);
    return org.records.unitOfWork(() =>
      handler(org, {
        ...call,
        method: request.method.toUpperCase(),
        path,
        params: match.params,
        query: new URLSearchParams(query),
        headers: Object.fromEntries(headers),
        body: body === undefined ? '' : JSON.stringify(body),
        json: () => body,
      }),
    );
  } catch (error) {
    if (!(error instanceof SalesforceError)) throw error;
    return errorAnswer(error);
  }
}

/** Replaces `@{reference.path}` by what an earlier answer holds there. Throws PROCESSING_HALTED when it holds nothing. */
function substitute(value: unknown, earlier: readonly Subresponse[]): unknown {
  if (typeof value === 'string')
    return value.replace(/@\{(\w+)\.([^}]+)\}/g, (all, reference: string, path: string) => {
      const response = earlier.find(({ referenceId }) => referenceId === reference);
      const usable = response !== undefined && response.httpStatusCode < 400;
      const found = usable ? follow(response.body, path) : undefined;
      if (found === undefined)
        throw new SalesforceError('PROCESSING_HALTED', `Invalid reference specified. No value for ${all} found`);
      return String(found);
    });
  if (Array.isArray(value)) return value.map((item) => substitute(item, earlier));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, substitute(item, earlier)]));
}

function follow(body: unknown, path: string): unknown {
  let at = body;
  for (const step of path.split(/[.[\]]+/).filter((s) => s !== ''))
    at = typeof at === 'object' && at !== null ? (at as Record<string, unknown>)[step] : undefined;
  return at;
}

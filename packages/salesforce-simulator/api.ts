import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, errorAnswer, parseJson, type Route } from './call.ts';
import type { Occasion } from './faults/faults.ts';
import { type HttpRequest, RESET } from './http-server.ts';
import type { Org } from './org.ts';
import { purge } from './records/recycle-bin.ts';
import { checkVersion } from './rest/api-versions.ts';
import { Router } from './router.ts';
import { notFound, SalesforceError } from './salesforce-error.ts';
import type { Sessions } from './sessions.ts';

interface FoundRoute {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
  readonly version: string;
}

/** Answers the calls of clients: routes them, checks their token, lets the faults of calls strike. */
export class Api {
  readonly #org: Org;
  readonly #sessions: Sessions;
  readonly #versioned: Router;
  readonly #unversioned: Router;
  readonly #stopping = new AbortController();

  /** `versioned` are the routes below `/services/data/vXX.X`. */
  constructor(org: Org, sessions: Sessions, versioned: readonly Route[], unversioned: readonly Route[]) {
    this.#org = org;
    this.#sessions = sessions;
    this.#versioned = new Router(versioned);
    this.#unversioned = new Router(unversioned);
  }

  async answer(request: HttpRequest): Promise<Answer | typeof RESET> {
    const org = this.#org;
    const found = this.#find(request.path);
    const kind = found?.route.kind ?? 'unknown';
    org.stats.call(kind);
    // Asking for a token is not counted against the daily requests.
    if (kind !== 'token') org.usage.count();
    const occasion: Occasion = {
      kind,
      objects: objectsOf(org, request, found?.params ?? {}),
      client: clientOf(request),
    };
    const slow = org.faults.strike('slowAnswer', occasion);
    if (!(await this.#wait(slow?.beforeMs))) return RESET;
    const fault = this.#fault(occasion, found?.route.refuse ?? errorAnswer);
    if (fault !== undefined) return fault;
    const answer = this.#carryOut(request, found, occasion);
    if (!(await this.#wait(slow?.afterMs))) return RESET;
    const writes = ['POST', 'PATCH', 'DELETE'].includes(request.method);
    if (writes && answer.status < 300 && org.faults.strike('lostReply', occasion) !== undefined) return RESET;
    return answer;
  }

  /** Cuts waiting calls off. */
  stop(): void {
    this.#stopping.abort();
  }

  /** False when the org has stopped. */
  async #wait(ms: number | undefined): Promise<boolean> {
    const { signal } = this.#stopping;
    if (ms !== undefined && !signal.aborted)
      await delay(ms, undefined, { signal }).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    return !signal.aborted;
  }

  #find(path: string): FoundRoute | undefined {
    const versioned = /^\/services\/data\/v(\d+\.\d+)(\/.*)?$/i.exec(path);
    const match = versioned === null ? this.#unversioned.find(path) : this.#versioned.find(versioned[2] ?? '/');
    return match === undefined ? undefined : { ...match, version: versioned?.[1] ?? match.params.version ?? '' };
  }

  /** The faults that keep a call from being carried out. */
  #fault(occasion: Occasion, refuse: (error: SalesforceError) => Answer): Answer | typeof RESET | undefined {
    const { faults } = this.#org;
    if (faults.strike('connectionReset', occasion) !== undefined) return RESET;
    if (faults.strike('badGateway', occasion) !== undefined)
      return { status: 502, text: '<html><body><h1>502 Bad Gateway</h1></body></html>', contentType: 'text/html' };
    if (faults.strike('serverUnavailable', occasion) !== undefined)
      return errorAnswer(new SalesforceError('SERVER_UNAVAILABLE', 'Service is unavailable', { status: 503 }));
    // Asking for a token needs none, and is not counted against the daily requests.
    if (occasion.kind === 'token') return undefined;
    if (faults.strike('unauthorized', occasion) !== undefined) return refuse(invalidSession());
    if (faults.strike('requestLimitExceeded', occasion) !== undefined)
      return refuse(new SalesforceError('REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.', { status: 403 }));
    return undefined;
  }

  #carryOut(request: HttpRequest, found: FoundRoute | undefined, occasion: Occasion): Answer {
    const org = this.#org;
    try {
      org.records.settleInFlight(org.now());
      for (const { afterSeconds, ...which } of org.faults.all('recycleBinPurge'))
        purge(org, { ...which, deletedBefore: org.now() - afterSeconds * 1000 });
      if (found !== undefined && request.path.toLowerCase().startsWith('/services/data/v')) checkVersion(found.version);
      if (found?.route.open !== true) this.#authenticate(request);
      if (found === undefined) throw notFound();
      const handler = found.route.methods[request.method];
      if (handler === undefined) throw methodNotAllowed(request.method, Object.keys(found.route.methods));
      const writer = { kind: found.route.kind, client: occasion.client, userId: org.identity.userId };
      const answer = handler(org, { ...request, ...found, writer, json: () => parseJson(request.body) });
      const usage = `api-usage=${org.usage.used}/${org.usage.allowed}`;
      return { ...answer, headers: { ...answer.headers, 'Sforce-Limit-Info': usage } };
    } catch (error) {
      if (!(error instanceof SalesforceError)) return unexpected(error);
      for (const object of writes(request.method) ? (occasion.objects ?? []) : [])
        org.stats.refused(object, error.code);
      return (found?.route.refuse ?? errorAnswer)(error);
    }
  }

  #authenticate(request: HttpRequest): void {
    const header = request.headers.authorization;
    const token =
      /^(?:Bearer|OAuth)\s+(\S+)$/i.exec(header ?? '')?.[1] ?? request.query.get('oauth_token') ?? undefined;
    if (header !== undefined && token === undefined)
      throw new SalesforceError('INVALID_AUTH_HEADER', 'INVALID_HEADER_TYPE', { status: 401 });
    if (token === undefined || !this.#sessions.isValid(token, this.#org.now())) throw invalidSession();
  }
}

function writes(method: string): boolean {
  return method !== 'GET' && method !== 'HEAD';
}

function invalidSession(): SalesforceError {
  return new SalesforceError('INVALID_SESSION_ID', 'Session expired or invalid', { status: 401 });
}

function methodNotAllowed(method: string, allowed: readonly string[]): SalesforceError {
  return new SalesforceError(
    'METHOD_NOT_ALLOWED',
    `HTTP Method '${method}' not allowed. Allowed are ${allowed.join(',')}`,
    { status: 405 },
  );
}

/** A fault of the simulator itself: loud, and in the shape that clients can print. */
function unexpected(error: unknown): Answer {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return errorAnswer(new SalesforceError('UNKNOWN_EXCEPTION', `org simulator: ${text}`, { status: 500 }));
}

/** The name that a client gives itself in Sforce-Call-Options, or in the CallOptions of SOAP. */
function clientOf(request: HttpRequest): string | undefined {
  const header = String(request.headers['sforce-call-options'] ?? '');
  const named =
    /(?:^|[;,])\s*client=([^;,]*)/i.exec(header) ?? /<CallOptions><client>([^<]*)</.exec(request.body.slice(0, 2000));
  return named?.[1]?.trim();
}

/** The objects that a call is about, as far as its address and body show. */
function objectsOf(org: Org, request: HttpRequest, params: Readonly<Record<string, string>>): readonly string[] {
  if (params.object !== undefined) return [params.object];
  const ids = request.query.get('ids');
  if (ids !== null) return [...new Set(ids.split(',').flatMap((id) => org.schema.ofId(id)?.name ?? []))];
  const from = /\bFROM\s+(\w+)/i.exec(request.query.get('q') ?? '')?.[1];
  if (from !== undefined) return [from];
  if (request.body.startsWith('<'))
    return [
      ...new Set([...request.body.matchAll(/>(\w{15,18})</g)].flatMap((m) => org.schema.ofId(m[1] ?? '')?.name ?? [])),
    ];
  return [...new Set([...request.body.matchAll(/"type"\s*:\s*"(\w+)"/g)].map((match) => match[1] ?? ''))];
}

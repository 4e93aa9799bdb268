import { type Answer, ok, parseJson } from './call.ts';
import { FaultSettingError } from './faults/faults.ts';
import type { HttpRequest } from './http-server.ts';
import type { Org } from './org.ts';
import { archive } from './records/archived-activities.ts';
import { purge } from './records/recycle-bin.ts';
import { SalesforceError } from './salesforce-error.ts';
import type { Sessions } from './sessions.ts';

/**
 * `/_simulator/...`: counts what was done to this org, switches its faults, and does what only Salesforce itself can.
 * Needs no token and is not counted. Answers undefined for paths that are not its own.
 */
export function controlAnswer(
  org: Org,
  sessions: Sessions,
  { method, path, query, body }: HttpRequest,
): Answer | undefined {
  if (!/^\/_simulator(\/|$)/.test(path)) return undefined;
  const name = path.slice('/_simulator/'.length);
  try {
    return answer(org, sessions, `${method} ${name}`, body, query);
  } catch (error) {
    if (!(error instanceof FaultSettingError || error instanceof SalesforceError)) throw error;
    return { status: 400, json: { error: error.message } };
  }
}

const ADDRESSES =
  'GET stats, POST stats/reset, GET writes, POST versions, GET versions?after=n&limit=n, GET faults, POST faults, ' +
  'DELETE faults, POST actions: {"purge": {object?, ids?}}, {"archive": [ids]}, {"expireTokens": true}, {"apiUsage": {used, allowed?}}';

function answer(org: Org, sessions: Sessions, request: string, body: string, query: URLSearchParams): Answer {
  switch (request) {
    case 'GET stats':
      return ok(org.stats.snapshot());
    case 'POST stats/reset':
      org.stats.reset();
      return ok(org.stats.snapshot());
    case 'GET writes':
      return ok({ writes: org.stats.log() });
    case 'POST versions':
      org.records.versions.switchOn();
      return ok({ recording: true });
    case 'GET versions':
      org.records.settleInFlight(org.now());
      return ok({
        last: org.records.versions.last,
        versions: org.records.versions.after(count(query, 'after', 0), count(query, 'limit', 1000)),
      });
    case 'GET faults':
      return ok(org.faults.describe());
    case 'POST faults':
      org.faults.set(parseJson(body));
      return ok(org.faults.describe());
    case 'DELETE faults':
      org.faults.clear();
      return ok(org.faults.describe());
    case 'POST actions':
      return ok(act(org, sessions, parseJson(body)));
    default:
      return { status: 404, json: { error: `/_simulator/ has: ${ADDRESSES}` } };
  }
}

function count(query: URLSearchParams, name: string, otherwise: number): number {
  const value = Number(query.get(name) ?? otherwise);
  if (!Number.isInteger(value) || value < 0) throw new FaultSettingError(`${name} takes a whole number`);
  return value;
}

function act(org: Org, sessions: Sessions, request: unknown): object {
  const done: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(request ?? {})) {
    if (name === 'purge') done.purged = purge(org, { ...purgeScope(value), deletedBefore: org.now() });
    else if (name === 'archive') done.archived = archive(org, Array.isArray(value) ? value.map(String) : []);
    else if (name === 'expireTokens') {
      sessions.revokeAll();
      done.expiredTokens = true;
    } else if (name === 'apiUsage') {
      const { used, allowed } = apiUsageOf(value);
      org.usage.set(used, allowed);
      done.apiUsage = { used: org.usage.used, allowed: org.usage.allowed };
    } else
      throw new FaultSettingError(`there is no action "${name}"; there are: purge, archive, expireTokens, apiUsage`);
  }
  return done;
}

function apiUsageOf(value: unknown): { readonly used: number; readonly allowed: number | undefined } {
  const { used, allowed } = Object(value) as { used?: unknown; allowed?: unknown };
  const isCount = (count: unknown): count is number => Number.isInteger(count) && Number(count) >= 0;
  if (!isCount(used) || (allowed !== undefined && !isCount(allowed)))
    throw new FaultSettingError('apiUsage takes {"used": n, "allowed"?: n}, whole numbers');
  return { used, allowed };
}

function purgeScope(value: unknown): { object?: string; ids?: readonly string[] } {
  const { object, ids } = (typeof value === 'object' && value !== null ? value : {}) as {
    object?: unknown;
    ids?: unknown;
  };
  return {
    ...(object === undefined ? {} : { object: String(object) }),
    ...(Array.isArray(ids) ? { ids: ids.map(String) } : {}),
  };
}

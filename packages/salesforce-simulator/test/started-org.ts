import { Connection } from 'jsforce';
import { openStore } from '../../embedded-aws/store.ts';
import { type OrgSimulator, type OrgSimulatorOptions, startOrgSimulator } from '../org-simulator.ts';
import { LENDER_ORG } from './lender-org.ts';

/** A running org with a clock that the test moves, and ways to talk to it. Stopped by `await using`. */
export interface StartedOrg extends AsyncDisposable {
  readonly simulator: OrgSimulator;
  /** jsforce with the org's own token. */
  readonly connection: Connection;
  /** The org's clock; starts at 2026-03-01T12:00:00Z and stands still. */
  readonly clock: { now: number };
  /** A call with the org's token, below `/services/data/v66.0`; path from `/` on otherwise. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Switches faults. */
  faults(settings: object): Promise<void>;
  stats(): Promise<Stats>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON. */
  readonly json: unknown;
}

export interface Stats {
  readonly writes: Record<string, Record<string, number>>;
  readonly cascades: Record<string, Record<string, number>>;
  readonly unchangedUpdates: Record<string, number>;
  readonly refused: Record<string, Record<string, number>>;
  readonly apiCalls: { readonly total: number; readonly byKind: Record<string, number> };
}

export const START = Date.UTC(2026, 2, 1, 12);

export async function startedOrg(options: Partial<OrgSimulatorOptions> = {}): Promise<StartedOrg> {
  const clock = { now: START };
  const simulator = await startOrgSimulator({
    port: 0,
    store: openStore(undefined),
    clock: () => clock.now,
    ...LENDER_ORG,
    ...options,
  });
  const { instanceUrl, accessToken } = simulator;
  const connection = new Connection({ instanceUrl, accessToken, version: '66.0' });
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const url = path.startsWith('~') ? instanceUrl + path.slice(1) : `${instanceUrl}/services/data/v66.0${path}`;
    const response = await fetch(url, {
      method,
      headers: { Authorization: `Bearer ${accessToken}`, 'Content-Type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson && text !== '' ? JSON.parse(text) : undefined,
    };
  };
  return {
    simulator,
    connection,
    clock,
    call,
    faults: async (settings) => {
      const answer = await call('POST', '~/_simulator/faults', settings);
      if (answer.status !== 200) throw new Error(answer.text);
    },
    stats: async () => (await call('GET', '~/_simulator/stats')).json as Stats,
    [Symbol.asyncDispose]: () => simulator.stop(),
  };
}

/** Creates a record through jsforce and answers its id. */
export async function created(org: StartedOrg, object: string, fields: Record<string, unknown>): Promise<string> {
  const result = await org.connection.sobject(object).create(fields);
  if (!result.success) throw new Error(JSON.stringify(result.errors));
  return result.id;
}

/** The error that a call of jsforce ends with. */
export async function refusal(call: PromiseLike<unknown>): Promise<{ errorCode: string; message: string }> {
  const outcome = await Promise.resolve(call).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof Error && 'errorCode' in outcome)
    return { errorCode: String(outcome.errorCode), message: outcome.message };
  throw new Error(`expected a refusal, got ${String(outcome)}`);
}

/** Faults that are switched at the org and at the embedded AWS: both take what is asked for, and nothing is left on. */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import configuration from '../../../examples/lender/sync.config.ts';
import { Faults as AwsFaults } from '../../../packages/embedded-aws/faults/faults.ts';
import { serveFaults } from '../../../packages/embedded-aws/faults/faults-api.ts';
import { Faults as OrgFaults } from '../../../packages/salesforce-simulator/faults/faults.ts';
import { Random } from '../plan/random.ts';
import type { FaultWorld } from './fault.ts';
import { FAULTS } from './faults.ts';

const aws = new AwsFaults();
const org = new OrgFaults();

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

const server = createServer(async (request, response) => {
  if (request.url === '/_faults') return serveFaults(aws, request, response);
  try {
    org.set(JSON.parse(await bodyOf(request)));
    response.end(JSON.stringify(org.describe()));
  } catch (error) {
    response.writeHead(400).end(String(error));
  }
});
let world: FaultWorld;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const flows = configuration.objects.flatMap(({ object }) =>
    ['inbound', 'outbound'].map((kind) => [`${kind}Flow.${object}`, `${kind}-${object}`] as const),
  );
  const endpoints = {
    aws: { endpoint: address },
    salesforce: { instanceUrl: address },
    resources: Object.fromEntries(flows),
  };
  // No other part of the world is asked for anything.
  world = { configuration, endpoints } as unknown as FaultWorld;
});
afterAll(() => server.close());

/** Those that do nothing else: what also kills a process needs one. */
const switched = FAULTS.filter(
  ({ excludes }) => excludes.length > 0 && excludes.every((each) => /^(org|aws) /.test(each)),
);
const active = () => ({ ...Object(aws.describe()).active, ...Object(org.describe()).active });

describe.each(switched)('$name', (fault) => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('seed %i', async (seed) => {
    const inForce = await fault.begin(world, new Random(seed));
    const [claim] = fault.excludes;
    expect(Object.keys(active())).toEqual([claim?.slice(4)]);
    expect(inForce.detail).not.toBe('');
    expect(await inForce.end()).toEqual({ struck: 0 });
    expect(active()).toEqual({});
  });
});

test('they count how often they have struck', async () => {
  const fault = FAULTS.find(({ name }) => name === 'events twice');
  const inForce = await fault?.begin(world, new Random(1));
  aws.strike('repeatedEvents', { detailType: 'any', rule: 'any' });
  expect(await inForce?.end()).toEqual({ struck: 1 });
});

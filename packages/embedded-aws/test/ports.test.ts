import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { freePorts, onFreePort } from '../ports.ts';

const servers: Server[] = [];
afterEach(() => Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve)))));

async function listen(port: number): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  servers.push(server);
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

test('the wanted port is used when it is free, another one when it is taken', async () => {
  const taken = await listen(0);
  expect(await onFreePort([taken], listen)).not.toBe(taken);
  const [server] = servers.splice(0, 1);
  await new Promise((resolve) => server?.close(resolve));
  expect(await onFreePort([taken], listen)).toBe(taken);
});

test('a port that is taken between looking and listening is passed over', async () => {
  let first: number | undefined;
  const started = await onFreePort([], async (port) => {
    first ??= await listen(port);
    return listen(port);
  });
  expect(started).not.toBe(first);
});

test('what is wrong otherwise is thrown', async () => {
  await expect(onFreePort([], () => Promise.reject(new Error('no memory')))).rejects.toThrow('no memory');
});

test('there are several to try', async () => {
  const ports: number[] = [];
  for await (const port of freePorts([], 3)) ports.push(port);
  expect(ports).toHaveLength(3);
});

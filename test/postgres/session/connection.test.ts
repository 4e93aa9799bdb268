import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { openSession } from '../../../postgres/session/connection.ts';

/** A message of the protocol: its type, its length, its body (PostgreSQL manual, Message Formats). */
function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + body.length);
  return Buffer.concat([Buffer.from(type), length, body]);
}

const AUTHENTICATED = message('R', Buffer.alloc(4));
const READY = message('Z', Buffer.from('I'));
const TERMINATED = message('E', Buffer.from('SFATAL\0C57P01\0Mterminating connection\0\0'));

test('a session terminated in the moment in which it is open ends nothing but itself', async () => {
  // Both come in one piece: no listener could have begun in between.
  const server = createServer((socket) => {
    socket.once('data', () => socket.end(Buffer.concat([AUTHENTICATED, READY, TERMINATED])));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const opening = openSession({ host: '127.0.0.1', port, dbname: 'd', username: 'u', password: 'p' });
  await expect(opening).rejects.toMatchObject({ name: 'RetryableError' });
  server.close();
});

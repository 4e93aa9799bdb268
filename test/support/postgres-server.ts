/** Vitest's global setup: one PostgreSQL server for the run, started when the first test asks for it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let server: Promise<{ url: string; shutDown: () => Promise<void> }> | undefined;
  const starter = createServer((_request, response) => {
    server ??= import('./postgres-launch.ts').then(({ launch }) => launch());
    server.then(
      ({ url }) => response.end(url),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => starter.listen(0, '127.0.0.1', resolve));
  project.provide('postgresStarter', `http://127.0.0.1:${(starter.address() as AddressInfo).port}/`);
  return async () => {
    starter.close();
    starter.closeAllConnections();
    // One that did not start has removed what it had made.
    const started = await server?.catch(() => undefined);
    await started?.shutDown();
  };
}

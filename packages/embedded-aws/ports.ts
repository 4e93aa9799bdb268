import { createServer } from 'node:net';

/**
 * Ports of 127.0.0.1 that are free at this moment: those wanted first, then ones that the system gives. Between looking
 * and listening another program may take one, so there is always a next one to try.
 */
export async function* freePorts(wanted: readonly number[], attempts = 5): AsyncGenerator<number> {
  for (const port of wanted) if ((await listenOnce(port)) !== undefined) yield port;
  for (let i = 0; i < attempts; i++) {
    const port = await listenOnce(0);
    if (port !== undefined) yield port;
  }
}

/** Starts something that listens, on the first of the ports that is still free then. Throws what `start` throws otherwise. */
export async function onFreePort<T>(wanted: readonly number[], start: (port: number) => Promise<T>): Promise<T> {
  for await (const port of freePorts(wanted)) {
    try {
      return await start(port);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    }
  }
  throw new Error('There is no free port on 127.0.0.1');
}

function listenOnce(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' ? address?.port : undefined));
    });
  });
}

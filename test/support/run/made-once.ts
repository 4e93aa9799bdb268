/** What is dear and serves every test file of a run: Vitest's own process makes it when the first of them asks for it. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What was made, as the test files get it: where it is. The process that made it removes it at the end of the run. */
export interface Made {
  readonly place: string;
  readonly remove: () => Promise<void>;
}

/** Where test files ask; `end` removes what was made. */
export interface MadeOnce {
  readonly url: string;
  readonly end: () => Promise<void>;
}

export async function madeOnce(make: () => Promise<Made>): Promise<MadeOnce> {
  let made: Promise<Made> | undefined;
  const server = createServer((_request, response) => {
    made ??= make();
    made.then(
      ({ place }) => response.end(place),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async end() {
      server.close();
      server.closeAllConnections();
      // One that was not made has removed what there was of it.
      const there = await made?.catch(() => undefined);
      await there?.remove();
    },
  };
}

/** The place, made now or before. Throws what making it threw. */
export async function placeOf(url: string): Promise<string> {
  const answer = await fetch(url);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`It could not be made for this run: ${text}`);
  return text;
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { FaultSettingError, type Faults } from './faults.ts';

/** Where faults are switched. No bucket can be called so. */
export const FAULTS_PATH = '/_faults';

/** GET what is on and what could be, POST to switch, DELETE to clear. Needs no signature. */
export async function serveFaults(faults: Faults, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [status, answer] = await answerOf(faults, request);
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(answer));
}

async function answerOf(faults: Faults, request: IncomingMessage): Promise<readonly [status: number, answer: object]> {
  try {
    if (request.method === 'POST') faults.set(JSON.parse(await textOf(request)));
    else if (request.method === 'DELETE') faults.clear();
    else if (request.method !== 'GET') return [405, { error: `${FAULTS_PATH} has GET, POST and DELETE` }];
    return [200, faults.describe()];
  } catch (error) {
    if (error instanceof FaultSettingError || error instanceof SyntaxError) return [400, { error: error.message }];
    throw error;
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

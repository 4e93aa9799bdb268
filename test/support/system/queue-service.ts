/**
 * SQS and EventBridge as far as the streamer uses them, over HTTP for the real SDK clients: keeps every message and event,
 * and can be slow, refuse or be away.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { ChangeMessage } from '../../../core/contracts/change-message.ts';
import { changeMessage } from '../../../core/contracts/change-message.ts';
import { COMPARISON_DUE, SWEEP_DUE } from '../../../core/contracts/comparison.ts';

export interface QueueService {
  readonly endpoint: string;
  /** What an SDK client or a process needs to talk to it. */
  readonly env: Readonly<Record<string, string>>;
  urlOf(object: string): string;
  /** Everything that was accepted, in order. */
  readonly messages: ChangeMessage[];
  /** Objects of the `Changes available` events, in order. */
  readonly announced: string[];
  /** Objects of the `Comparison due` events, in order. */
  readonly comparisons: string[];
  /** Objects of the `Sweep due` events, in order. */
  readonly sweeps: string[];
  /** Calls of SendMessageBatch that have come, answered or not. */
  readonly arrived: number;
  /** Answers for the next calls; used up one by one. `accept, no answer`: the message is in, and the connection breaks. */
  readonly next: ('error' | 'refuse the first' | 'accept, no answer')[];
  /** Every call fails until it is false again. */
  away: boolean;
  /** Calls wait for this before they are answered. */
  gate: Promise<void>;
  /** Resolves when the condition holds; it is looked at after every message and event. */
  until(condition: () => boolean): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts the service on a free port. `keepMessages: false` counts calls only, for tests of memory and speed. */
export async function startQueueService({ keepMessages = true } = {}): Promise<QueueService> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const waiting = new Set<{ condition: () => boolean; resolve: () => void }>();
  let arrived = 0;
  const service: QueueService = {
    endpoint,
    env: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
    urlOf: (object) => `${endpoint}/000000000000/${object}`,
    messages: [],
    announced: [],
    comparisons: [],
    sweeps: [],
    get arrived() {
      return arrived;
    },
    next: [],
    away: false,
    gate: Promise.resolve(),
    until(condition) {
      if (condition()) return Promise.resolve();
      return new Promise((resolve) => waiting.add({ condition, resolve }));
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  server.on('request', (request, response) => {
    void answer(request, response).then(look);
  });

  function look(): void {
    for (const entry of waiting) {
      if (!entry.condition()) continue;
      waiting.delete(entry);
      entry.resolve();
    }
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse(await text(request)) as Call;
    if (request.headers['x-amz-target'] === 'AmazonSQS.SendMessageBatch') arrived++;
    look();
    await service.gate;
    if (service.away) {
      respond(response, 503, { __type: 'ServiceUnavailable', message: 'away' });
    } else if (request.headers['x-amz-target'] === 'AWSEvents.PutEvents') {
      for (const { Detail = '{}', DetailType } of body.Entries) {
        const lists: Readonly<Record<string, string[]>> = {
          [COMPARISON_DUE]: service.comparisons,
          [SWEEP_DUE]: service.sweeps,
        };
        const list = lists[DetailType ?? ''] ?? service.announced;
        list.push(JSON.parse(Detail).object);
      }
      respond(response, 200, { FailedEntryCount: 0, Entries: body.Entries.map(() => ({ EventId: 'e' })) });
    } else {
      sendBatch(body, response);
    }
  }

  function sendBatch({ Entries }: Call, response: ServerResponse): void {
    const fault = service.next.shift();
    if (fault === 'error') {
      respond(response, 500, { __type: 'InternalError', message: 'as the test wants it' });
      return;
    }
    const refused = fault === 'refuse the first' ? Entries.slice(0, 1) : [];
    const accepted = Entries.filter((entry) => !refused.includes(entry));
    for (const { MessageBody = '' } of accepted) {
      if (keepMessages) service.messages.push(changeMessage.parse(JSON.parse(MessageBody)));
    }
    if (fault === 'accept, no answer') {
      response.destroy();
      return;
    }
    respond(response, 200, {
      Successful: accepted.map(({ Id, MessageBody = '' }) => ({
        Id,
        MessageId: 'm',
        MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex'),
      })),
      Failed: refused.map(({ Id }) => ({ Id, Code: 'InternalError', SenderFault: false })),
    });
  }
  return service;
}

interface Call {
  readonly Entries: readonly {
    readonly Id?: string;
    readonly MessageBody?: string;
    readonly Detail?: string;
    readonly DetailType?: string;
  }[];
}

function respond(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
}

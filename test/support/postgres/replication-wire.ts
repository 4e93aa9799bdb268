/**
 * The way between a streamer and the server. What the streamer reports is seen here before the server has it; the server can fall
 * silent, say a position of the test's own, and lose the connection. Only connections that stream are touched.
 */
import { connect, createServer, type Socket } from 'node:net';
import type { Lsn } from '../../../core/contracts/lsn.ts';
import { Signal } from '../system/signal.ts';

/** What the streamer says of how far it is. */
export interface Report {
  readonly position: Lsn;
  /** It asks for a sign of life. */
  readonly reply: boolean;
}

export class ReplicationWire {
  readonly reports: Report[] = [];
  /** Gets each report before the server does. */
  reporting: (report: Report) => Promise<void> | void = () => undefined;
  /** Gets the kind of each message of pgoutput that has reached the streamer: `B`egin, `I`nsert, `C`ommit and so on. */
  passed: (kind: string) => void = () => undefined;
  /** Positions that the server says between messages: what happens with them. */
  keepalives: 'pass' | 'are lost' = 'pass';
  /** How many of them have passed. */
  heard = 0;
  #silent = false;
  readonly #port: number;
  readonly #server = createServer({ allowHalfOpen: true }, (client) => this.#join(client));
  readonly #signal = new Signal();
  readonly #sockets = new Set<Socket>();
  #streaming: Socket | undefined;

  private constructor(port: number) {
    this.#port = port;
  }

  /** `port`: the server's. */
  static async to(port: number): Promise<ReplicationWire> {
    const wire = new ReplicationWire(port);
    await wire.open();
    return wire;
  }

  port = 0;

  /** Lets connections in; on the same port as before. */
  open(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.listen(this.port, '127.0.0.1', () => {
        const address = this.#server.address();
        if (address !== null && typeof address === 'object') this.port = address.port;
        resolve();
      });
    });
  }

  /** Resolves when the condition holds; it is looked at after every report and keepalive. */
  until(condition: () => boolean): Promise<void> {
    return this.#signal.until(condition);
  }

  /** The streamer has told that it needs nothing before the position. */
  confirmed(position: Lsn): Promise<void> {
    return this.until(() => this.reports.some((report) => report.position >= position));
  }

  /** As if the server said so now. `reply`: and asked how far the streamer is. */
  keepalive(position: Lsn, reply = false): void {
    const frame = Buffer.alloc(23);
    frame.write('d', 0, 'latin1');
    frame.writeUInt32BE(22, 1);
    frame.write('k', 5, 'latin1');
    frame.writeBigUInt64BE(position, 6);
    frame.writeUInt8(reply ? 1 : 0, 22);
    this.#streaming?.write(frame);
  }

  /** Asks the streamer how far it is, at `position`, and answers what it says. */
  async ask(position: Lsn): Promise<Lsn> {
    const answers = () => this.reports.filter(({ reply }) => !reply);
    const before = answers().length;
    this.keepalive(position, true);
    await this.until(() => answers().length > before);
    return answers().at(-1)?.position ?? 0n;
  }

  /** Nothing that the server says comes through any more, until the connection is cut. */
  silence(): void {
    this.#silent = true;
  }

  /** Cuts all connections. */
  cut(): void {
    this.#silent = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Cuts all connections, and lets none in before `open`. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.close();
  }

  #join(client: Socket): void {
    const server = connect({ port: this.#port, host: '127.0.0.1', allowHalfOpen: true });
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.on('close', (isBroken) => {
        this.#sockets.delete(socket);
        if (isBroken) other.destroy();
      });
    }
    let last = Promise.resolve();
    const said = framesOf('untyped first');
    client.on('data', (chunk) => {
      for (const frame of said(chunk)) {
        last = last.then(async () => {
          const report = reportOf(frame);
          if (report !== undefined) await this.#report(report);
          if (server.writable) server.write(frame);
        });
      }
    });
    // Who says nothing more is still answered.
    client.on('end', () => void last.then(() => server.end()));
    server.on('end', () => client.end());
    const answered = framesOf('typed');
    server.on('data', (chunk) => {
      for (const frame of answered(chunk)) this.#answer(frame, client);
    });
  }

  async #report(report: Report): Promise<void> {
    await this.reporting(report);
    this.reports.push(report);
    this.#signal.given();
  }

  #answer(frame: Buffer, client: Socket): void {
    const [type, kind] = [frame.toString('latin1', 0, 1), frame.toString('latin1', 5, 6)];
    if (type === 'W') this.#streaming = client;
    const isOfStream = type === 'd' && this.#streaming === client;
    if (isOfStream && (this.#silent || (kind === 'k' && this.keepalives === 'are lost'))) return;
    if (client.writable) client.write(frame);
    if (!isOfStream) return;
    if (kind === 'k') this.heard++;
    if (kind === 'w') this.passed(frame.toString('latin1', 30, 31));
    this.#signal.given();
  }
}

/** Cuts what arrives into frames of the protocol: a type, a length, what it says. The first one of a client has no type. */
function framesOf(first: 'typed' | 'untyped first'): (chunk: Buffer) => Buffer[] {
  let rest = Buffer.alloc(0);
  let typed = first === 'typed';
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const frames: Buffer[] = [];
    for (;;) {
      const header = typed ? 5 : 4;
      if (rest.length < header) return frames;
      const length = rest.readUInt32BE(header - 4) + header - 4;
      if (rest.length < length) return frames;
      frames.push(rest.subarray(0, length));
      rest = rest.subarray(length);
      typed = true;
    }
  };
}

function reportOf(frame: Buffer): Report | undefined {
  if (frame.length !== 39 || frame.toString('latin1', 0, 1) !== 'd' || frame.toString('latin1', 5, 6) !== 'r') {
    return undefined;
  }
  return { position: frame.readBigUInt64BE(14), reply: frame.readUInt8(38) === 1 };
}

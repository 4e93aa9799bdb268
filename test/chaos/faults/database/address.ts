/** One address for whichever server has the database, as an endpoint of a managed database is. */
import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

export class DatabaseAddress {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  /** undefined: nothing answers, and connections are refused. */
  #target: number | undefined;

  private constructor() {
    this.#server = createServer({ noDelay: true }, (client) => this.#accept(client));
  }

  /** Listens on a free port of 127.0.0.1. */
  static async open(): Promise<DatabaseAddress> {
    const address = new DatabaseAddress();
    address.#server.listen(0, '127.0.0.1');
    await once(address.#server, 'listening');
    return address;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** New connections go to this port of 127.0.0.1; those that are open stay where they are. */
  leadTo(port: number | undefined): void {
    this.#target = port;
  }

  /** Breaks all connections off, as when the machine behind the address is gone. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    if (this.#target === undefined) {
      client.destroy();
      return;
    }
    const server = connect({ port: this.#target, host: '127.0.0.1', noDelay: true });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#open.add(one);
      // Its end is the other's end; an error is followed by `close`.
      one.on('error', () => undefined);
      one.once('close', () => {
        this.#open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }
}

/**
 * The database of the chaos run. It belongs to the runner, so that it outlives the system, and is reached by one address, whatever
 * happens behind it: the server killed and started again, or a standby in its place.
 */
import type pg from 'pg';
import { DatabaseAddress } from './address.ts';
import { ChaosServer } from './server.ts';
import { makeStandby, promote } from './standby.ts';

export class ChaosDatabase {
  readonly #address: DatabaseAddress;
  readonly #name: string;
  #server: ChaosServer;

  private constructor(address: DatabaseAddress, name: string, server: ChaosServer) {
    this.#address = address;
    this.#name = name;
    this.#server = server;
  }

  /** A new server with an empty database of this name. */
  static async start(name = 'chaos'): Promise<ChaosDatabase> {
    const server = await ChaosServer.make(name);
    const address = await DatabaseAddress.open();
    address.leadTo(server.port);
    return new ChaosDatabase(address, name, server);
  }

  /** Of the owner, who is a superuser, by the address that stays. */
  get url(): string {
    return `postgres://postgres:${this.#server.password}@127.0.0.1:${this.#address.port}/${this.#name}`;
  }

  /** A session of the owner with the server that is there now, for work on the server itself. */
  withOwner<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    return this.#server.withClient(work, this.#name);
  }

  async query<Row extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<Row[]> {
    return this.withOwner(async (client) => (await client.query<Row>(sql, values)).rows);
  }

  /** Kills the server as its machine dies. */
  async kill(): Promise<void> {
    this.#address.leadTo(undefined);
    await this.#server.kill();
    this.#address.cut();
  }

  /** After `kill`: the same server again, over what it had written. */
  async startAgain(): Promise<void> {
    await this.#server.startAgain();
    this.#address.leadTo(this.#server.port);
  }

  /**
   * Makes a standby without which nothing is acknowledged, lets `meanwhile` pass, kills the server, and puts the standby in its place.
   * The slot goes on there where `slot` is `carried`; `lost`: the new server has none. Answers false, and has changed nothing, when no
   * standby came to be.
   */
  async failOver(
    slot: { readonly name: string; readonly is: 'carried' | 'lost' },
    meanwhile: () => Promise<unknown>,
  ): Promise<boolean> {
    const carried = slot.is === 'carried' ? slot.name : undefined;
    const made = makeStandby(this.#server, { database: this.#name, slot: carried });
    const standby = await made.catch(() => undefined);
    if (standby === undefined) return false;
    await meanwhile();
    await this.kill();
    await promote(standby, this.#name);
    const dead = this.#server;
    this.#server = standby;
    this.#address.leadTo(standby.port);
    await dead.remove();
    return true;
  }

  async stop(): Promise<void> {
    await this.#address.close();
    await this.#server.stop();
    await this.#server.remove();
  }
}

/** One seed on a running system: its clients and faults, its end, and the history that came of it. */
import { setTimeout as pause } from 'node:timers/promises';
import { Cast } from '../clients/cast.ts';
import { codeOf, type Outcome } from '../clients/outcome.ts';
import { PostgresClient } from '../clients/postgres-client.ts';
import { SalesforceClient } from '../clients/salesforce-client.ts';
import type { Fault, FaultInForce } from '../faults/fault.ts';
import type { Epoch, FaultRun, History, Operation } from '../history/history.ts';
import { BIRTHS_MS } from '../plan/make-plan.ts';
import { objectsWith } from '../plan/objects.ts';
import type { Plan, PlannedFault, PlannedOperation } from '../plan/plan.ts';
import { Random } from '../plan/random.ts';
import { pushes } from '../world/recording.ts';
import type { World } from '../world/world.ts';
import { Claims } from './claims.ts';
import { drain } from './drain.ts';
import { endOf } from './end.ts';
import { leaksSince, unread } from './leaks.ts';
import { marks, versionsSince } from './versions.ts';

/** Clients of one side that are at work at once. */
const CLIENTS = 12;
/** How long a client waits for a record that was created on the other side. */
const CAST_PATIENCE_MS = 6_000;
/** How long the run waits until the first records are on both sides. */
const BIRTHS_PATIENCE_MS = 45_000;
const PREPARE_ATTEMPTS = 20;

export interface SeedOptions {
  readonly faults: readonly Fault[];
  readonly commit: string;
  readonly faultNames: readonly string[];
  /** Says how far it is. */
  readonly progress: (now: Progress) => void;
  /** As of the drain. */
  readonly patienceMs?: number;
}

export interface Progress {
  readonly phase: string;
  readonly operations: number;
  readonly faults: number;
  readonly inForce: readonly string[];
}

export interface SeedRun {
  readonly history: History;
  /** Commands that the operator needed in the end. */
  readonly operator: readonly string[];
}

export async function runSeed(world: World, plan: Plan, options: SeedOptions): Promise<SeedRun> {
  const clients = new Clients(world, plan, options);
  await clients.map(plan.fields);
  const [from, unseen, since] = [await marks(world), await unread(world), Date.now()];
  await clients.work();
  const slowToHeal = clients.faults.some(({ name }) => options.faults.find((each) => each.name === name)?.slowToHeal);
  const drained = await drain(world, {
    slowToHeal,
    since: from,
    longMs: clients.lengthMs,
    say: (phase) => clients.say(phase),
    patienceMs: options.patienceMs,
  });
  const versions = await versionsSince(world, from);
  const objects = objectsWith(clients.fields);
  return {
    operator: drained.operator,
    history: {
      seed: plan.seed,
      commit: options.commit,
      faultNames: options.faultNames,
      epochs: clients.epochs,
      operations: clients.operations.toSorted((one, other) => one.number - other.number),
      faults: clients.faults,
      versions,
      pushes: await pushes(world.pool, since),
      end: await endOf(world, objects, { versions, since, drained }),
      leaks: await leaksSince(world, unseen),
    },
  };
}

/** Tried until it works: the system or its database may be away. */
async function prepare(world: World): Promise<void> {
  for (let left = PREPARE_ATTEMPTS; ; left--) {
    try {
      await world.sfsync('prepare');
      return;
    } catch (error) {
      if (left === 1) throw error;
      await pause(1_000);
    }
  }
}

class Clients {
  readonly epochs: Epoch[] = [];
  readonly operations: Operation[] = [];
  readonly faults: FaultRun[] = [];
  readonly #world: World;
  readonly #plan: Plan;
  readonly #options: SeedOptions;
  readonly #cast: Cast;
  readonly #postgres: PostgresClient;
  readonly #salesforce: SalesforceClient;
  readonly #claims = new Claims();
  readonly #inForce = new Set<string>();
  readonly #atWork = { salesforce: new Set<Promise<void>>(), postgres: new Set<Promise<void>>() };
  #begun = 0;
  #fields: readonly string[] | undefined;

  constructor(world: World, plan: Plan, options: SeedOptions) {
    this.#world = world;
    this.#plan = plan;
    this.#options = options;
    this.#cast = new Cast(world.pool, CAST_PATIENCE_MS);
    this.#postgres = new PostgresClient(world.pool, this.#cast, () => prepare(world));
    this.#salesforce = new SalesforceClient(() => world.endpoints.salesforce, this.#cast);
  }

  get fields(): readonly string[] {
    return this.#fields ?? [];
  }

  /** From the first operation to the last. */
  get lengthMs(): number {
    return this.#plan.operations.at(-1)?.at ?? 0;
  }

  say(phase: string): void {
    const { length: operations } = this.operations;
    this.#options.progress({ phase, operations, faults: this.faults.length, inForce: [...this.#inForce] });
  }

  /** Sees to it that these optional fields are mapped, and no others. */
  async map(fields: readonly string[]): Promise<void> {
    const objects = objectsWith(fields);
    const wanted = JSON.stringify(objects.map(({ fields: each }) => each.map(({ field }) => field)));
    const mapped = JSON.stringify(
      this.#world.configuration.objects.map((object) => object.fields.map(({ field }) => field)),
    );
    this.#fields = fields;
    if (wanted !== mapped) {
      this.say('another mapping');
      await this.#world.remap(objects);
    }
    this.epochs.push({ from: Date.now(), objects });
  }

  /** All that is planned; answers when it is over and nothing is in force any more. */
  async work(): Promise<void> {
    await this.#births();
    const others = Promise.all([
      ...this.#plan.faults.map((fault) => this.#fault(fault)),
      ...this.#plan.mappingChanges.map(({ at, fields }) => this.#remap(at, fields)),
    ]);
    // It is thrown below, when the clients have ended; until then nobody waits for it, which would end the whole process.
    let isBroken = false;
    others.catch(() => {
      isBroken = true;
    });
    for (const operation of this.#plan.operations.filter(({ at }) => at > BIRTHS_MS)) {
      await this.#until(operation.at);
      if (isBroken) break;
      const atWork = this.#atWork[operation.side];
      while (atWork.size >= CLIENTS) await Promise.race(atWork);
      const work = this.#carryOut(operation).finally(() => atWork.delete(work));
      atWork.add(work);
    }
    await Promise.all([...this.#atWork.salesforce, ...this.#atWork.postgres]);
    await others;
  }

  /** The first records. Everything else begins when both sides have them, however long that takes on a busy machine. */
  async #births(): Promise<void> {
    this.#begun = Date.now();
    const births = this.#plan.operations.filter(({ at }) => at <= BIRTHS_MS);
    await Promise.all(births.map((operation) => this.#carryOut(operation)));
    const born = births.flatMap(({ act }) =>
      act.does === 'create' || act.does === 'bulk create' ? act.writes.map(({ name }) => name) : [],
    );
    const deadline = Date.now() + BIRTHS_PATIENCE_MS;
    for (const name of born) {
      while (Date.now() < deadline) {
        const there = [await this.#cast.idOf(name), await this.#cast.keyOf(name)];
        if (!there.includes(undefined)) break;
      }
    }
    this.#begun = Date.now() - BIRTHS_MS;
  }

  async #until(at: number): Promise<void> {
    const left = this.#begun + at - Date.now();
    if (left > 0) await pause(left);
  }

  async #carryOut(planned: PlannedOperation): Promise<void> {
    const begun = Date.now();
    const client = planned.side === 'salesforce' ? this.#salesforce : this.#postgres;
    const { answer, written, code }: Outcome = await client.carryOut(planned);
    const { number, side, kind, object } = planned;
    const operation = { number, side, kind, object, targets: written, begun, ended: Date.now(), answer };
    this.operations.push(code === undefined ? operation : { ...operation, code });
    this.say('clients at work');
  }

  async #fault({ number, name, at, lastsMs }: PlannedFault): Promise<void> {
    const fault = this.#options.faults.find((each) => each.name === name);
    if (fault === undefined) throw new Error(`There is no fault ${name}`);
    await this.#until(at);
    const release = await this.#claims.take(fault.excludes);
    const begun = Date.now();
    try {
      this.#inForce.add(name);
      const random = new Random(this.#plan.seed).of('fault').of(number);
      const inForce = await this.#begin(fault, random);
      if (inForce === undefined) return;
      await pause(lastsMs);
      const end = await inForce.end();
      this.faults.push({ name, begun, ended: Date.now(), detail: inForce.detail, ...end });
    } catch (cause) {
      throw new Error(`The fault "${name}" (${number}) could not be ended`, { cause });
    } finally {
      this.#inForce.delete(name);
      release();
    }
  }

  /** Undefined where it could not begin: another one had just taken away what it needs. It is listed as one that did not strike. */
  async #begin(fault: Fault, random: Random): Promise<FaultInForce | undefined> {
    const begun = Date.now();
    try {
      return await fault.begin(this.#world, random);
    } catch (error) {
      const detail = `not begun: ${codeOf(error)}`;
      this.faults.push({ name: fault.name, begun, ended: Date.now(), detail, struck: 0 });
      return undefined;
    }
  }

  async #remap(at: number, fields: readonly string[]): Promise<void> {
    await this.#until(at);
    const release = await this.#claims.take(['system', 'database', 'slot', 'streamer', 'failpoint', 'flows']);
    try {
      await this.map(fields);
    } finally {
      release();
    }
  }
}

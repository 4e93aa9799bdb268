/**
 * What may go wrong while the clients work. A fault is one thing by one name; the plan says when it begins and how long it is
 * in force, so a seed has the same faults each time.
 */
import type { SyncConfiguration } from '../../../core/mapping/configuration.ts';
import type { Endpoints } from '../../../local/endpoints.ts';
import type { ServiceName } from '../../../packages/embedded-aws/embedded-aws.ts';
import type { Random } from '../plan/random.ts';
import type { ChaosDatabase } from './database/chaos-database.ts';

/** What faults reach of the world. What needs the system throws while it is down. */
export interface FaultWorld {
  readonly configuration: SyncConfiguration;
  /** They stay the same when the system is started again. */
  readonly endpoints: Endpoints;
  /** Of the system: holds `processes.json` and `credentials.json`. */
  readonly directory: string;
  /** Where failpoints are armed; see failpoint-overlay.ts. Outside of the system's directory. */
  readonly failpointDirectory: string;
  /** The server that the system works on: of the runner, and reached by one address whatever happens behind it. */
  readonly server: ChaosDatabase;
  /** Calls an operation of the embedded AWS as the person at the terminal. */
  call<Output = unknown>(service: ServiceName, operation: string, input: object): Promise<Output>;
  /** SIGKILL for the process that hosts the system, and for no other; answers when it is gone. */
  killSystem(): Promise<void>;
  /** Starts the system again over what it left; answers when everything does. */
  startSystem(): Promise<void>;
  /** Runs `sfsync <words>` as an operator would; answers what it printed. Throws where it fails. */
  sfsync(...words: readonly string[]): Promise<string>;
}

/** A fault in force. */
export interface FaultInForce {
  /** What it is about: an object, a function, a statement. No values. */
  readonly detail: string;
  /** Puts everything right again, as an operator or the passing of time would, and waits for it. Called exactly once. */
  end(): Promise<{ readonly struck?: number } | undefined>;
}

/** Faults that share one are never on together. */
export type Exclusive =
  /** The process that hosts the system, and all that is in it. */
  | 'system'
  /** The database server, and which server it is. */
  | 'database'
  /** The replication slot. */
  | 'slot'
  | 'streamer'
  /** One function dies at one place. */
  | 'failpoint'
  | 'clock'
  /** One switch of the org or of the embedded AWS. */
  | `org ${string}`
  | `aws ${string}`
  /** One flow of AppFlow. */
  | 'flows';

export interface Fault {
  /** As `--faults` names it: `streamer killed`. */
  readonly name: string;
  /** One sentence: what happens. */
  readonly about: string;
  /** How long it is in force, in milliseconds, at least and at most; 0: it is over as soon as it has begun. */
  readonly lasts: readonly [number, number];
  readonly excludes: readonly Exclusive[];
  /** What it hides is found by a sweep only, once stamps are final: the drain waits for that, about a minute. Chosen rarely. */
  readonly slowToHeal?: true;
  /** How often it is chosen beside others. @default 1 */
  readonly weight?: number;
  begin(world: FaultWorld, random: Random): Promise<FaultInForce>;
}

/** One that is over as soon as it has begun. */
export function over(detail: string, struck?: number): FaultInForce {
  return { detail, end: async () => (struck === undefined ? undefined : { struck }) };
}

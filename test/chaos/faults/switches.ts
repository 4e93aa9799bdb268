/** Faults that are switched on and off at the org's or the embedded AWS's own address. */
import { setTimeout as pause } from 'node:timers/promises';
import type {
  FaultOptions as AwsOptions,
  FaultName as AwsSwitch,
} from '../../../packages/embedded-aws/faults/fault-catalogue.ts';
import type {
  FaultOptions as OrgOptions,
  FaultName as OrgSwitch,
} from '../../../packages/salesforce-simulator/faults/fault-catalogue.ts';
import type { Random } from '../plan/random.ts';
import type { Exclusive, Fault, FaultWorld } from './fault.ts';

/** How long the system may be away: another fault kills it and starts it again. */
const PATIENCE_MS = 60_000;

interface Switched {
  readonly struck: Readonly<Record<string, number>>;
}

/** The options to switch on, and what the fault is about. */
export interface Setting<Options> {
  readonly detail: string;
  /** Several: each is a fault of its own. */
  readonly options: Options | readonly Options[];
}

type Common = Pick<Fault, 'name' | 'about' | 'lasts' | 'weight' | 'slowToHeal'> & {
  readonly excludes?: readonly Exclusive[];
};

export function orgFault<Name extends OrgSwitch>(
  fault: Common & {
    readonly fault: Name;
    readonly set: (random: Random, world: FaultWorld) => Setting<Partial<OrgOptions<Name>>>;
  },
): Fault {
  return switched(fault, 'org', ({ salesforce }) => new URL('/_simulator/faults', salesforce.instanceUrl));
}

export function awsFault<Name extends AwsSwitch>(
  fault: Common & {
    readonly fault: Name;
    readonly set: (random: Random, world: FaultWorld) => Setting<Partial<AwsOptions<Name>>>;
  },
): Fault {
  return switched(fault, 'aws', ({ aws }) => new URL('/_faults', aws.endpoint));
}

function switched(
  {
    fault: name,
    set,
    excludes = [],
    ...common
  }: Common & { readonly fault: string; readonly set: (random: Random, world: FaultWorld) => Setting<unknown> },
  of: 'org' | 'aws',
  address: (endpoints: FaultWorld['endpoints']) => URL,
): Fault {
  return {
    ...common,
    excludes: [`${of} ${name}`, ...excludes],
    async begin(world, random) {
      const { detail, options } = set(random, world);
      const turn = (value: unknown) => post(() => address(world.endpoints), { [name]: value });
      const before = (await turn(options)).struck[name] ?? 0;
      return {
        detail,
        async end() {
          const now = (await turn(null)).struck[name] ?? 0;
          // A process that was started again meanwhile has counted from 0.
          return { struck: now >= before ? now - before : now };
        },
      };
    },
  };
}

async function post(address: () => URL, body: object): Promise<Switched> {
  for (const until = Date.now() + PATIENCE_MS; ; ) {
    const answer = await fetch(address(), { method: 'POST', body: JSON.stringify(body) }).catch(() => undefined);
    if (answer?.ok === true) return (await answer.json()) as Switched;
    if (answer !== undefined || Date.now() > until) {
      throw new Error(`${address()}: ${answer === undefined ? 'nobody answers' : await answer.text()}`);
    }
    await pause(100);
  }
}

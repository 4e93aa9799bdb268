/** What can be asked of the system's process: things that are not reachable from outside it. */
import type { LocalSystem } from '../../../local/system.ts';
import type { ServiceName } from '../../../packages/embedded-aws/embedded-aws.ts';
import type { Traffic } from '../../support/system/traffic.ts';

export interface Running {
  readonly system: LocalSystem;
  /** All messages and events since the system was started. */
  readonly traffic: Traffic;
}

export interface AwsCall {
  readonly service: ServiceName;
  readonly operation: string;
  readonly input: object;
}

export const HOOKS = {
  aws: ({ system }: Running, { service, operation, input }: AwsCall) => system.call(service, operation, input),
  kill: async ({ system }: Running, { container, signal }: { container: string; signal?: NodeJS.Signals }) => {
    system.kill(container, signal);
  },
  /** What has travelled and holds the text, whatever its case: the first characters of it. Each is answered once. */
  traffic: async ({ traffic }: Running, { holds }: { holds: string }) => {
    const found = traffic.take().filter((body) => body.toLowerCase().includes(holds.toLowerCase()));
    return found.map((body) => `message ${body.slice(0, 80)}`);
  },
} as const;

export type HookName = keyof typeof HOOKS;

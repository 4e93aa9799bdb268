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
  /** What has travelled and holds one of the patterns, whatever its case. Each is answered once. */
  traffic: async ({ traffic }: Running, { holds }: { holds: readonly string[] }) => {
    const patterns = holds.map((each) => new RegExp(each, 'i'));
    return traffic.take().filter((body) => patterns.some((pattern) => pattern.test(body)));
  },
} as const;

export type HookName = keyof typeof HOOKS;

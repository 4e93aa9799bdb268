import type { ScheduledTrigger } from '../flows/flow-definition.ts';

/** The half-open window [from, to) of a run, in epoch seconds: Salesforce stamps and compares whole seconds. */
export interface PullWindow {
  readonly fromSeconds: number;
  readonly toSeconds: number;
}

/** AppFlow User Guide, Flow triggers: the first incremental run reaches back 30 days. */
const FIRST_WINDOW_MS = 30 * 24 * 3_600_000;

/**
 * The window of a run that starts at `now` (milliseconds since 1970): from where the last successful one ended up to
 * `now`, both less the offset, which scales with the schedule. Undefined when everything is to be pulled. Ends are cut
 * to whole seconds, so that windows meet without gap or overlap; one that holds no whole second is empty.
 */
export function pullWindow(
  trigger: ScheduledTrigger | undefined,
  watermarkSeconds: number | undefined,
  now: number,
  timeScale: number,
): PullWindow | undefined {
  if (!trigger?.incremental) return undefined;
  const offsetMs = (trigger.offsetSeconds * 1000) / timeScale;
  const first = (trigger.firstExecutionFrom ?? now - FIRST_WINDOW_MS) - offsetMs;
  return {
    fromSeconds: watermarkSeconds ?? Math.floor(first / 1000),
    toSeconds: Math.floor((now - offsetMs) / 1000),
  };
}

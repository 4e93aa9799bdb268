/** What the steps of a test work with. */
import { mappingOf, type SyncConfiguration } from '../../../core/mapping/configuration.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { type BatchLimits, chooseRecords } from '../../../steps/choose.ts';
import type { StepContext } from '../../../steps/step.ts';

export function contextOf(
  session: Session,
  configuration: SyncConfiguration,
  object: string,
  execution = 'test',
): StepContext {
  return { session, configuration, mapping: mappingOf(configuration, object), execution };
}

/** Where nothing is logged. */
export const SILENT = { debug: () => undefined, info: () => undefined, warn: () => undefined };

/** COLLECT: the records that are chosen. */
export async function chosenRecords(context: StepContext, limits: Partial<BatchLimits> = {}) {
  return (await chooseRecords(context, { limit: 10_000, flowFenced: false, ...limits })).due;
}

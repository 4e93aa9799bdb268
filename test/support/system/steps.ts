/** What the steps of a test work with. */
import { mappingOf, type SyncConfiguration } from '../../../core/mapping/configuration.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import type { StepContext } from '../../../steps/step.ts';

export function contextOf(
  session: Session,
  configuration: SyncConfiguration,
  object: string,
  execution = 'test',
): StepContext {
  return { session, configuration, mapping: mappingOf(configuration, object), execution };
}

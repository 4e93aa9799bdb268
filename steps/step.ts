/** What the steps of an execution have in common. */
import type { ObjectMapping, SyncConfiguration } from '../core/mapping/configuration.ts';
import type { Session } from '../postgres/session/connection.ts';

/** What a step works with: one object, in one session, for one execution. */
export interface StepContext {
  readonly session: Session;
  readonly configuration: SyncConfiguration;
  readonly mapping: ObjectMapping;
  /** What rejects and conflicts name; for outbound steps the ARN of the execution that must hold the object's lease. */
  readonly execution: string;
}

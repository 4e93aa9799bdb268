/** What the steps of an execution have in common. */
import type { ObjectMapping, SyncConfiguration } from '../core/mapping/configuration.ts';

/** A batch of an outbound execution. */
export interface BatchContext {
  readonly configuration: SyncConfiguration;
  readonly mapping: ObjectMapping;
  /** ARN of the execution, which must hold the object's lease. */
  readonly execution: string;
  readonly batchId: string;
}

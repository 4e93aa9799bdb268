import type { InboundFlow } from '../flows/flow-definition.ts';

const UNITS = ['YEAR', 'MONTH', 'DAY', 'HOUR', 'MINUTE'] as const;

export interface RunIdentity {
  readonly executionId: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly schemaVersion: number;
}

/**
 * The folder of a run's files: `<prefix>/<flow>/[schemaVersion_N/][yyyy/MM/dd/..]/[<executionId>/]`, in UTC
 * (AppFlow User Guide, Partitioning and aggregating data output).
 */
export function runFolder(flow: InboundFlow, run: RunIdentity): string {
  const parts = flow.prefix ? [flow.prefix, flow.name] : [flow.name];
  if (flow.pathHierarchy.includes('SCHEMA_VERSION')) parts.push(`schemaVersion_${run.schemaVersion}`);
  if (flow.prefixType === 'PATH' || flow.prefixType === 'PATH_AND_FILENAME') {
    parts.push(...dateParts(flow.prefixFormat, run.startedAt));
  }
  if (flow.pathHierarchy.includes('EXECUTION_ID')) parts.push(run.executionId);
  return `${parts.join('/')}/`;
}

/** The name of the run's n-th file: it starts with the execution id, and nothing else about it is promised. */
export function fileName(flow: InboundFlow, run: RunIdentity, index: number): string {
  const dated = flow.prefixType === 'FILENAME' || flow.prefixType === 'PATH_AND_FILENAME';
  const date = dated ? `-${dateParts(flow.prefixFormat, run.startedAt).join('-')}` : '';
  return `${run.executionId}${date}-${index}`;
}

function dateParts(format: InboundFlow['prefixFormat'], at: number): readonly string[] {
  return new Date(at)
    .toISOString()
    .split(/[-T:]/)
    .slice(0, UNITS.indexOf(format) + 1);
}

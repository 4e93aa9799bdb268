/** Where things lie in the bucket. Only `salesforce/` starts the inbound pipeline. */
export const INBOUND_PREFIX = 'salesforce/';
export const WORK_PREFIX = 'work/';
export const OUTBOUND_PREFIX = 'outbound/';
export const ARCHIVE_PREFIX = 'archive/';
export const APPFLOW_ERRORS_PREFIX = 'appflow-errors/';

/** The object, flow and run that an inbound key names: `salesforce/<Object>/<flow>/<run>/<file>`; undefined: no such key. */
export function parseInboundKey(key: string): { object: string; flow: string; run: string; file: string } | undefined {
  const parts = /^salesforce\/([^/]+)\/([^/]+)\/(?:.*\/)?([^/]+)\/([^/]*)$/.exec(key);
  if (parts === null) return undefined;
  const [, object = '', flow = '', run = '', file = ''] = parts;
  return { object, flow, run, file };
}

/** Scratch space of one execution. `name` says what it holds. */
export function workKey(execution: string, name: string): string {
  return `${WORK_PREFIX}${execution}/${name}`;
}

/** What was told of one cause (repeated-notices.ts). */
export const NOTICES_PREFIX = `${WORK_PREFIX}notices/`;

export function noticesKey(cause: string): string {
  return `${NOTICES_PREFIX}${cause}.jsonl`;
}

/**
 * What the object's flow reads: everything that begins with this. Whether AppFlow takes a prefix for a folder is documented nowhere, so none
 * is the beginning of another's: `outbound/Contact` would be that of `outbound/ContactPoint`. No name of an object has a dot.
 */
export function outboundFolder(object: string): string {
  return `${OUTBOUND_PREFIX}${object}.d`;
}

/** Where earlier versions put batches. */
export function formerOutboundFolder(object: string): string {
  return `${OUTBOUND_PREFIX}${object}`;
}

/** The one CSV of a batch: AppFlow reads every file of the folder, so it is alone there. */
export function outboundKey(object: string, batchId: string): string {
  return `${outboundFolder(object)}/${batchId}.csv`;
}

/** Where the CSV of a batch lies once its run is over. */
export function archiveKey(object: string, batchId: string): string {
  return `${ARCHIVE_PREFIX}${object}/${batchId}.csv`;
}

/** The name of an execution from its ARN: it names the execution's scratch space. */
export function executionName(arn: string): string {
  return arn.slice(arn.lastIndexOf(':') + 1);
}

/** Batches are numbered within their execution. */
export function batchIdOf(execution: string, batch: number): string {
  return `${executionName(execution)}-${batch}`;
}

/** The name of the execution whose batch it is. What is no batch's id is answered as it is. */
export function executionOfBatch(batchId: string): string {
  return batchId.replace(/-\d+$/, '');
}

/**
 * Where the markers of a batch's updates lie, of which each may name a Bulk job: those sent first, and those of a run's
 * failed rows that were pushed again. Prefixes: what was never pushed has no marker.
 */
export function pushMarkers(batchId: string): readonly string[] {
  const folder = executionOfBatch(batchId);
  return [workKey(folder, `updates-${batchId}-begun`), workKey(folder, `push-again-${batchId}-`)];
}

/** The marker of a push holds a word or the id of the Bulk job by which it goes. */
export const MARKER_BYTES = 32;

/** The Bulk job that the marker of a push names. */
export function bulkJobOf(marker: string): string | undefined {
  return /^750\w+$/.test(marker) ? marker : undefined;
}

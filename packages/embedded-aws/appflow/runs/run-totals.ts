/** What a run has done so far. */
export interface RunTotals {
  /** Records read from the source, those filtered and those refused included. */
  recordsProcessed: number;
  /** Dropped by a Validate task. */
  recordsFiltered: number;
  /** Refused by the destination. */
  putFailures: number;
  bytesProcessed: number;
  bytesWritten: number;
}

export function noTotals(): RunTotals {
  return { recordsProcessed: 0, recordsFiltered: 0, putFailures: 0, bytesProcessed: 0, bytesWritten: 0 };
}

/**
 * What AWS does not document about AppFlow, as settings: a reader of its files and answers must cope with each.
 */
export interface AppFlowQuirks {
  /** What a run without records leaves in the bucket. A header only exists in CSV; in JSON it is an empty file. */
  readonly emptyRun: 'nothing' | 'zero-bytes' | 'header-only';
  /** JSON output: one object per line, or one array per file. */
  readonly jsonLayout: 'lines' | 'array';
  /** How a null field is written in JSON. */
  readonly nulls: 'null' | 'empty-string' | 'absent';
  /** Numbers and booleans in JSON output: as such, or as strings. */
  readonly numbers: 'native' | 'strings';
  /** Whether the `attributes` object of the REST API stays in JSON records. */
  readonly attributes: 'drop' | 'keep';
  /** Whether a run with records also puts an empty object named like the execution. */
  readonly marker: 'none' | 'zero-bytes';
  /** An empty cell, or a null of JSON lines, on the way to Salesforce: leave the field alone, or clear it. */
  readonly blankCells: 'keep' | 'clear';
  /** StartFlow while a run of the flow is in progress. */
  readonly startWhileRunning: 'conflict' | 'parallel';
}

export const DEFAULT_QUIRKS: AppFlowQuirks = {
  emptyRun: 'nothing',
  jsonLayout: 'lines',
  nulls: 'null',
  numbers: 'native',
  attributes: 'drop',
  marker: 'none',
  blankCells: 'keep',
  startWhileRunning: 'conflict',
};

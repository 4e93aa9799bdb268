/** Why edits of a mapped table do not come through the slot at the moment, and what to do about it. */

const FAULTS = {
  'no table': 'does not exist under that name: create it, or give it its name back',
  'no publication': 'the publication does not exist: run `sfsync prepare`',
  'not published':
    'is not in the publication (another table under that name was, or it was taken out): run `sfsync prepare`',
  'operations left out': 'the publication leaves out inserts, updates, deletes or truncates: run `sfsync prepare`',
  'rows left out': 'the publication has a row filter: run `sfsync prepare`',
  'not by its root': 'is partitioned, and the publication names its partitions: run `sfsync prepare`',
  'not logged': 'is unlogged or temporary, so its changes are not in the WAL: alter table ... set logged',
  'no rights': "may not be read and written by the Lambdas' role: run `sfsync prepare`",
  'not a table': 'is no table; only tables can be published',
} as const;

export type TableFault = keyof typeof FAULTS;

/** In words; what an older or newer release has written is its own. */
export function tableFault(fault: string): string {
  return Object.hasOwn(FAULTS, fault) ? FAULTS[fault as TableFault] : fault;
}

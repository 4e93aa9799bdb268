/** Compares an org and a database that both have data, before the first load of an object links what belongs together. */
import type { AmbiguousKey, LoadCounts } from '../../core/agreement/first-load.ts';
import type { SalesforceConnection } from '../../salesforce/connection.ts';
import { countRecords, readRecordKeys } from '../../salesforce/record-keys.ts';
import type { StepContext } from '../step.ts';
import {
  beginLoad,
  compareStored,
  countPlaces,
  listAmbiguous,
  storeRecords,
  storeRows,
  unlinkedParents,
} from './plan.ts';

/** The session is of a role that may write the mapped tables, and keeps temporary tables. */
export interface FirstLoad extends StepContext {
  readonly connection: SalesforceConnection;
  /** `all` is what was counted when the step began. */
  progress(step: string, done: number, all: number): void;
}

export interface LoadReport {
  readonly object: string;
  /** The field by which records and rows were matched. */
  readonly matchBy: string | undefined;
  /** Rows that belong to no record become records. */
  readonly inserts: boolean;
  readonly counts: LoadCounts;
  /** The first thousand. */
  readonly ambiguous: readonly AmbiguousKey[];
  /** Objects that should be loaded first: until then the lookups to them are empty. */
  readonly parentsToLoad: readonly string[];
}

const MAX_LISTED = 1000;

/** Compares both sides and keeps what was found in the session, for `linkSides`. Writes nothing else. */
export async function compareSides(load: FirstLoad): Promise<LoadReport> {
  const { session, connection, mapping } = load;
  const all = await countRecords(connection, mapping.object);
  await beginLoad(session);
  let read = 0;
  for await (const records of readRecordKeys(connection, mapping, all)) {
    await storeRecords(session, records);
    read += records.length;
    load.progress('reading records', read, all);
  }
  await storeRows(session, mapping, (rows) => load.progress('reading rows', rows, rows));
  await compareStored(session, mapping.object);
  return {
    object: mapping.object,
    matchBy: mapping.matchBy?.field,
    inserts: mapping.externalIdField !== undefined,
    counts: await countPlaces(session),
    ambiguous: await listAmbiguous(session, MAX_LISTED),
    parentsToLoad: await unlinkedParents(session, mapping),
  };
}

/**
 * How much a message, a call, a page or a set holds at most, where that is no setting: thousands. A run writes hundreds, and so would never
 * see the second one: in its copy of the project they are small.
 */
import type { Overlay } from '../../support/system/project-copy.ts';

const LIMITS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'wal-streamer/change-batch.ts': { MAX_KEYS: 10 },
  'steps/receive.ts': { TRUNCATED_LINKS: 10 },
  'steps/part-size.ts': { FIRST_RECORDS: 20 },
  'steps/parents/lost-parents.ts': { PAGE_LINKS: 10 },
  'steps/comparison/pages.ts': { PAGE: 20 },
  'steps/sweep/list.ts': { LIST_RECORDS: 50 },
  'steps/sweep/missed.ts': { BATCH_RECORDS: 20 },
  'postgres/ledger/sweep.ts': { SET_RECORDS: 20 },
  'postgres/ledger/links.ts': { PAGE_LINKS: 20 },
  'salesforce/collections.ts': { COLLECTION_RECORDS: 7 },
  'salesforce/deleted-along.ts': { QUERY_IDS: 10 },
  'salesforce/read.ts': { RETRIEVE_IDS: 20 },
};

export const SMALL_PAGES: Readonly<Record<string, Overlay>> = Object.fromEntries(
  Object.entries(LIMITS).map(([file, limits]) => [file, (text: string) => withLimits(file, text, limits)]),
);

/** Throws where a limit is not declared, or is called something else by now. */
function withLimits(file: string, text: string, limits: Readonly<Record<string, number>>): string {
  return Object.entries(limits).reduce((now, [name, value]) => {
    const declared = new RegExp(`^((?:export )?const ${name} = )[\\d_]+;$`, 'm');
    if (!declared.test(now)) throw new Error(`${file} declares no ${name} of its own.`);
    return now.replace(declared, `$1${value};`);
  }, text);
}

/**
 * A ledger of a size at which a bad plan shows: two million links with their rows, most of them at rest, and much that is due,
 * put off, waiting, refused or long done. No statement may cost what it does not touch. Made set by set, in half a minute.
 */
import type pg from 'pg';

/** How many there are. */
export const LARGE = {
  Opportunity: 1_500_000,
  Contact: 300_000,
  Account: 200_000,
  /** Opportunities, from the first on. */
  due: 500_000,
  /** Opportunities, those after. */
  putOff: 100_000,
  /** Contacts, from the first on: they wait for accounts that are not there. */
  waiting: 200_000,
  /** New rows, refused: they are due no more. */
  insertions: 50_000,
  /** Open; as many are closed. */
  rejects: 50_000,
  conflicts: 50_000,
  listed: 100_000,
} as const;

const PREFIXES = { Account: '001', Contact: '003', Opportunity: '006' } as const;
type LargeObject = keyof typeof PREFIXES;

/** Id of the nth record of an object. */
export function largeId(object: LargeObject, n: number): string {
  return `${PREFIXES[object]}${String(n).padStart(12, '0')}AAA`;
}

/** Key of its row. */
export function largeKey(n: number): string {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`;
}

/** The account for which the nth contact waits. */
export function missingAccount(n: number): string {
  return largeId('Account', LARGE.Account + 1_000_000 + n);
}

const id = (object: LargeObject, n = 'n') => `'${PREFIXES[object]}' || lpad((${n})::text, 12, '0') || 'AAA'`;
const key = (n = 'n') => `'00000000-0000-4000-8000-' || lpad(to_hex(${n}), 12, '0')`;
const someLender = `(${key(`1 + n % ${LARGE.Account}`)})::uuid`;
const parent = id('Account', `${LARGE.Account + 1_000_000} + n`);
const soon = `timestamptz '2026-01-01' + n * interval '1 ms'`;
const later = `timestamptz '2100-01-01' + n * interval '1 ms'`;

const ROWS: readonly [object: LargeObject, table: string, columns: string, values: string][] = [
  ['Account', 'lenders', 'name', `'Lender ' || n`],
  ['Contact', 'borrowers', 'last_name, lender_id', `'Meyer', case when n > ${LARGE.waiting} then ${someLender} end`],
  [
    'Opportunity',
    'loan_applications',
    'title, stage, closes_on, lender_id',
    `'Loan ' || n, 'Prospecting', date '2027-01-31', ${someLender}`,
  ],
];

function linksOf(object: LargeObject): string {
  const isDue = object === 'Opportunity' ? `n <= ${LARGE.due + LARGE.putOff}` : 'false';
  const waits =
    object === 'Contact'
      ? `case when n <= ${LARGE.waiting} then jsonb_build_object('AccountId', ${parent}) end`
      : 'null';
  return `insert into sfsync.link
      (object, salesforce_id, row_key, base, base_deleted, high_water, revision, dirty, dirty_since, due_after, waiting)
    select '${object}', ${id(object)}, ${key()}, '{}', false, timestamptz '2026-01-01', 1, ${isDue},
           case when ${isDue} then ${soon} end, case when ${isDue} and n > ${LARGE.due} then ${later} end,
           coalesce((${waits})::jsonb, '{}')
      from generate_series($1::int, $2::int) n`;
}

/** What the triggers would have written. */
const BESIDE = [
  `insert into sfsync.due (object, salesforce_id, state, due_at, due_after, since)
   select 'Opportunity', ${id('Opportunity')}, case when n > ${LARGE.due} then 'put off' else 'due' end,
          case when n > ${LARGE.due} then ${later} else ${soon} end, case when n > ${LARGE.due} then ${later} end, ${soon}
     from generate_series(1, ${LARGE.due + LARGE.putOff}) n`,
  `insert into sfsync.waiting (object, field, parent_id, salesforce_id)
   select 'Contact', 'AccountId', ${parent}, ${id('Contact')} from generate_series(1, ${LARGE.waiting}) n`,
  `insert into sfsync.insertion (object, row_key, dirty, dirty_since, refused)
   select 'Opportunity', ${key('n + 10000000')}, false, null, '{}' from generate_series(1, ${LARGE.insertions}) n`,
  `insert into sfsync.rejected_record (object, salesforce_id, row_key, direction, source, line, code, reason, resolved_at)
   select 'Opportunity', case when n % 2 = 0 then ${id('Opportunity')} end, ${key()}, 'to-postgres', 'salesforce/file', n,
          'STRING_TOO_LONG', 'It is too long.', case when n > ${LARGE.rejects} then now() end
     from generate_series(1, ${2 * LARGE.rejects}) n`,
  `insert into sfsync.conflict (object, salesforce_id, reason, winner, resolved_at)
   select 'Opportunity', ${id('Opportunity')}, 'both', 'salesforce', case when n > ${LARGE.conflicts} then now() end
     from generate_series(1, ${2 * LARGE.conflicts}) n`,
  `insert into sfsync.sweep_listed (object, execution, salesforce_id)
   select 'Opportunity', 'another', ${id('Opportunity')} from generate_series(1, ${LARGE.listed}) n`,
] as const;

const FIRST = 1_000;

/**
 * Fills the sample's empty database. Its statistics are those of the first thousand links of each object. `connect` makes
 * connections of the owner: links and rows are made at the same time.
 */
export async function makeLargeLedger(connect: () => Promise<pg.Client>): Promise<void> {
  const [forLinks, forRows] = [await connect(), await connect()];
  for (const client of [forLinks, forRows]) await client.query('set session_replication_role = replica');
  const links = async (from: number, to: (object: LargeObject) => number) => {
    for (const [object] of ROWS) await forLinks.query(linksOf(object), [from, to(object)]);
  };
  const rows = async (from: number, to: (object: LargeObject) => number) => {
    for (const [object, table, columns, values] of ROWS) {
      await forRows.query(
        `insert into ${table} (id, salesforce_id, ${columns})
         select (${key()})::uuid, ${id(object)}, ${values} from generate_series($1::int, $2::int) n`,
        [from, to(object)],
      );
    }
  };
  await forLinks.query('alter table sfsync.link set (fillfactor = 90, autovacuum_enabled = false)');
  await Promise.all([links(1, () => FIRST), rows(1, () => FIRST)]);
  await forLinks.query('analyze');
  const beside = async () => {
    for (const sql of BESIDE) await forRows.query(sql);
  };
  await Promise.all([
    links(FIRST + 1, (object) => LARGE[object]),
    rows(FIRST + 1, (object) => LARGE[object]).then(beside),
  ]);
  await Promise.all([forLinks.end(), forRows.end()]);
}

/**
 * The statements of the steps on two million links: each is found by indexes and costs what it touches, whatever the statistics
 * say. Not timed: what counts are pages and rows that the server looked at.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FieldValues } from '../../../core/mapping/canonical.ts';
import { defineSync, mappingOf, text } from '../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { readOpenConflicts } from '../../../postgres/ledger/conflicts.ts';
import { anyDue, anyOpenFlowPush, dueInsertions, dueRecords, objectsWithDue } from '../../../postgres/ledger/due.ts';
import { liveRecords } from '../../../postgres/ledger/held-deletes.ts';
import { noteInside } from '../../../postgres/ledger/inside-filter.ts';
import { claimLinks, dropClaims } from '../../../postgres/ledger/links.ts';
import { markLinksDue } from '../../../postgres/ledger/mark-due.ts';
import { readOpenRejects } from '../../../postgres/ledger/open-rejects.ts';
import { closeMerged, reportNewRejects, resolveRejects, unreadableRecords } from '../../../postgres/ledger/rejects.ts';
import { goneRows, NEWEST_LIVE } from '../../../postgres/ledger/selections.ts';
import { rememberListed } from '../../../postgres/ledger/sweep.ts';
import { inTransaction, type Session } from '../../../postgres/session/connection.ts';
import { applyRereads, applyVersions } from '../../../steps/apply.ts';
import { chooseRecords } from '../../../steps/choose.ts';
import { compareLinks, compareRows } from '../../../steps/comparison/pages.ts';
import { askOfLookups } from '../../../steps/mapping-in-force/drift.ts';
import { chooseNewRows } from '../../../steps/new-rows/choose-new-rows.ts';
import { receiveKeys } from '../../../steps/receive.ts';
import { compareUnlisted } from '../../../steps/sweep/compare.ts';
import { LARGE, largeId, largeKey, makeLargeLedger, missingAccount } from '../../support/postgres/large-ledger.ts';
import {
  createLenderDatabaseApart,
  deletedVersion,
  type LenderDatabase,
  version,
} from '../../support/postgres/lender-database.ts';
import { costsOf, explainAll } from '../../support/postgres/statement-plans.ts';
import { OutboundRounds } from '../../support/system/outbound-rounds.ts';
import { contextOf } from '../../support/system/steps.ts';

/** Records that a case works on. */
const N = 100;
/** A record is found in three or four tables by an index each, and its link, row and what follows them are written. */
const BUFFERS_PER_RECORD = 40;
const ROWS_PER_RECORD = 10;
/** Catalogues, and the way down an index. */
const BUFFERS_AT_LEAST = 200;
/** Tables of which a case may read the whole, for they have a row for each object, field or the like. */
const SMALL = 1_000;

type LargeObject = 'Account' | 'Contact' | 'Opportunity';
const LATER = Date.UTC(2030, 0, 1);
const FILE = 'salesforce/file';
const { settings } = configuration;

let lender: LenderDatabase;
let session: Session;
/** Cases of one round do not meet the records of another. */
let offset = 0;

beforeAll(async () => {
  lender = await createLenderDatabaseApart();
  // The ledger knows the columns before it has links: else the fields would have to join the mapping first.
  session = await lender.session();
  for (const object of ['Account', 'Contact', 'Opportunity'] as const) {
    await apply(object, [version(object, largeId(object, 9_999_999), 1)]);
  }
  await makeLargeLedger(() => lender.database.client());
  await explainAll(lender.application, lender.database.name);
  session = await lender.session();
}, 300_000);
afterAll(() => lender?.[Symbol.asyncDispose]());

const numbers = (first: number, count = N) => Array.from({ length: count }, (_, i) => first + offset + i);
const ids = (object: LargeObject, first: number) => numbers(first).map((n) => largeId(object, n));
const keys = (first: number) => numbers(first).map(largeKey);
const context = (object: LargeObject, execution = 'test') => contextOf(session, configuration, object, execution);

function apply(object: LargeObject, versions: readonly SalesforceVersion[]) {
  const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
  return applyVersions(context(object), FILE, lines, LATER);
}
const versions = (
  object: LargeObject,
  first: number,
  second: number,
  fields: (n: number) => FieldValues = () => ({}),
) =>
  numbers(first).map((n) => ({
    ...version(object, largeId(object, n), second, fields(n)),
    stamp: Date.UTC(2026, 6, 1, 0, 0, second),
  }));

const filtered = mappingOf(
  defineSync({
    objects: {
      Opportunity: {
        table: 'public.loan_applications',
        filter: { where: `stage = 'Prospecting'`, leaving: 'delete' },
        fields: { Name: text('title') },
      },
    },
  }),
  'Opportunity',
);

interface Case {
  readonly name: string;
  readonly run: () => Promise<unknown>;
  /** Records that it works on. */
  readonly records?: number;
}

const CASES: readonly Case[] = [
  { name: 'whether something is due, with nothing due', run: () => anyDue(session, 'Contact'), records: 1 },
  {
    name: 'of which objects something is due',
    run: () => objectsWithDue(session, ['Account', 'Contact', 'Opportunity']),
    records: 3,
  },
  { name: 'whether a push through AppFlow is open', run: () => anyOpenFlowPush(session, 'Opportunity'), records: 1 },
  { name: 'due records', run: () => dueRecords(session, 'Opportunity', { limit: N, flowFenced: true, settings }) },
  { name: 'due insertions', run: () => dueInsertions(session, 'Opportunity', { limit: N, settings }), records: 1 },
  {
    name: 'a file of known records',
    run: () =>
      apply(
        'Opportunity',
        versions('Opportunity', 700_000, 1, (n) => ({ Name: `New ${n}` })),
      ),
  },
  {
    name: 'the same file again',
    run: () =>
      apply(
        'Opportunity',
        versions('Opportunity', 700_000, 1, (n) => ({ Name: `New ${n}` })),
      ),
  },
  { name: 'a file of due records', run: () => apply('Opportunity', versions('Opportunity', 10_000, 1)) },
  {
    name: 'a file of new records',
    run: () =>
      apply(
        'Opportunity',
        versions('Opportunity', 2_000_000, 1, (n) => ({ AccountId: largeId('Account', 1 + (n % LARGE.Account)) })),
      ),
  },
  {
    name: 'a file of children that come before their parents',
    run: () =>
      apply(
        'Contact',
        versions('Contact', 2_000_000, 1, (n) => ({ AccountId: missingAccount(n + 5_000_000) })),
      ),
  },
  {
    name: 'a file of parents whose children wait',
    run: () =>
      apply(
        'Account',
        numbers(1_000).map((n) => version('Account', missingAccount(n), 1)),
      ),
  },
  {
    name: 'a file of deleted records',
    run: () =>
      apply(
        'Opportunity',
        numbers(710_000).map((n) => ({ ...deletedVersion('Opportunity', largeId('Opportunity', n), 1), stamp: LATER })),
      ),
  },
  {
    name: 'a file of deleted parents',
    run: () =>
      apply('Account', [{ ...deletedVersion('Account', largeId('Account', 150_000 + offset), 1), stamp: LATER }]),
  },
  {
    name: 'records that were read again',
    run: () =>
      applyRereads(
        context('Opportunity'),
        FILE,
        numbers(720_000).map((n) => ({
          id: largeId('Opportunity', n),
          revision: 1,
          version: { ...version('Opportunity', largeId('Opportunity', n), 5), stamp: LATER },
        })),
        Date.now(),
      ),
  },
  { name: 'RECEIVE of keys', run: () => receiveKeys(context('Opportunity'), keys(730_000)) },
  {
    name: 'COLLECT from a backlog',
    run: async () => {
      await OutboundRounds.begin(session, configuration, 'Opportunity');
      await chooseRecords({ ...context('Opportunity'), execution: EXECUTION }, { limit: N, flowFenced: true });
      await chooseNewRows({ ...context('Opportunity'), execution: EXECUTION }, N);
    },
  },
  {
    name: 'a round of the outbound pipeline',
    run: async () => {
      await session.query('update borrowers set phone = $1 where id = any ($2::uuid[])', [
        String(offset),
        keys(250_000),
      ]);
      const rounds = await OutboundRounds.begin(session, configuration, 'Contact');
      const look = (id: string) => version('Contact', id, 1);
      const own = new Set(ids('Contact', 250_000));
      const chosen = (await rounds.collectKeys(...keys(250_000))).filter(({ id }) => own.has(id));
      const { pushes } = await rounds.decide(chosen, look);
      expect(pushes).toHaveLength(N);
      await rounds.settle(pushes, look);
    },
    // Children that were joined before are due, too.
    records: 3 * N,
  },
  {
    name: 'whether Salesforce is asked of lookups',
    run: () => askOfLookups(session, mappingOf(configuration, 'Contact')),
    records: 2,
  },
  {
    name: 'the newest live record',
    run: () => markLinksDue(session, 'Account', NEWEST_LIVE, 'read again'),
    records: 1,
  },
  { name: 'live records as far as they matter', run: () => liveRecords(session, 'Contact', N) },
  {
    name: 'rows that are gone',
    run: async () => {
      await session.query('delete from loan_applications where id = any ($1::uuid[])', [keys(740_000)]);
      const marked = await markLinksDue(
        session,
        'Opportunity',
        goneRows(mappingOf(configuration, 'Opportunity'), ids('Opportunity', 740_000)),
        'row changed',
      );
      expect(marked).toBe(N);
    },
  },
  {
    name: 'rows inside a filter',
    run: () => inTransaction(session, () => noteInside(session, filtered, ids('Opportunity', 750_000))),
  },
  {
    name: 'claims',
    run: async () => {
      await claimLinks(session, 'Opportunity', ids('Opportunity', 3_000_000));
      await dropClaims(session, 'Opportunity', ids('Opportunity', 3_000_000));
    },
  },
  {
    name: 'a page of a full sweep',
    run: async () => {
      await rememberListed(session, 'Opportunity', 'sweep', ids('Opportunity', 1));
      await compareUnlisted(session, 'Opportunity', 'sweep', { after: undefined, limit: N, missedBefore: LATER });
    },
  },
  {
    name: 'pages of a comparison',
    run: async () => {
      const page = await compareLinks(context('Opportunity'), undefined);
      expect(page.looked).toBe(2_000);
      await compareRows(context('Opportunity'), largeKey(1_000_000));
    },
    records: 2_000,
  },
  ...(['salesforceId', 'rowKey', 'line'] as const).map(
    (by): Case => ({
      name: `rejects by ${by}, twice, and closed`,
      run: async () => {
        const rejects = numbers(60_000).map((n) => ({
          salesforceId: by === 'salesforceId' ? largeId('Opportunity', n) : undefined,
          rowKey: by === 'rowKey' ? largeKey(n) : undefined,
          line: by === 'line' ? n : undefined,
          field: undefined,
          code: 'X',
          reason: 'It is refused.',
        }));
        const source = { object: 'Opportunity', direction: 'to-salesforce', source: FILE, execution: 'test' } as const;
        expect(await reportNewRejects(session, source, rejects)).toHaveLength(N);
        await reportNewRejects(session, source, rejects);
        await resolveRejects(session, {
          object: 'Opportunity',
          direction: 'to-salesforce',
          salesforceIds: ids('Opportunity', 60_000),
        });
        const merged = ids('Opportunity', 60_000);
        await closeMerged(session, 'Opportunity', { merged, agreed: merged });
        await resolveRejects(session, { object: 'Opportunity', rowKeys: keys(60_000) });
      },
    }),
  ),
  {
    name: 'records that could not be read',
    run: () => unreadableRecords(session, 'Opportunity', ['Amount']),
    records: 1,
  },
  {
    name: 'a list of rejects and conflicts',
    run: async () => {
      await readOpenRejects(session, {}, N);
      await readOpenConflicts(session, { limit: N });
    },
  },
];

const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';

const STATISTICS: readonly [statistics: string, plans: string, prepare: () => Promise<unknown>][] = [
  ['of a thousand links', 'auto', async () => undefined],
  ['of a thousand links, and plans for any values', 'force_generic_plan', async () => undefined],
  [
    'that there are none of',
    'auto',
    async () => {
      await lender.rows(
        `delete from pg_statistic where starelid in (select oid from pg_class where relnamespace in ('sfsync'::regnamespace, 'public'::regnamespace))`,
      );
      await lender.rows(
        `update pg_class set reltuples = -1, relpages = 0 where relkind = 'r' and relnamespace in ('sfsync'::regnamespace, 'public'::regnamespace)`,
      );
    },
  ],
  ['that are fresh', 'auto', () => lender.rows('analyze')],
  ['that are fresh, and plans for any values', 'force_generic_plan', async () => undefined],
];

describe.each(STATISTICS)('with statistics %s', (_, planCacheMode, prepare) => {
  beforeAll(async () => {
    await prepare();
    await session.query(`set plan_cache_mode = ${planCacheMode}`);
    offset += 1_000;
  }, 120_000);

  test.each(CASES)('$name: by index, and at the cost of what is touched', async ({ run, records = N }) => {
    const costs = await costsOf(session, run);
    expect(costs.length).toBeGreaterThan(0);
    for (const { sql, buffers, read, looked, plan } of costs) {
      const said = `${sql}\n${plan}`;
      expect(
        [...read].filter(([, rows]) => rows > SMALL),
        said,
      ).toEqual([]);
      expect(looked, said).toBeLessThanOrEqual(SMALL + ROWS_PER_RECORD * records);
      expect(buffers, said).toBeLessThanOrEqual(BUFFERS_AT_LEAST + BUFFERS_PER_RECORD * records);
    }
  });
});

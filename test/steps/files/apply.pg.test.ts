/** What a call leaves of a file lies where the next one finds it, and what has to be read again where that is read. */
import type pg from 'pg';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import configuration from '../../../examples/lender/sync.config.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { applyRecords } from '../../../steps/files/apply.ts';
import { useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { MemoryBucket } from '../../support/system/memory-bucket.ts';
import { contextOf } from '../../support/system/steps.ts';

const MAPPED = 'work/one/mapped-0.jsonl';
const idOf = (n: number) => `00100000000000${n}AAA`;

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
let application: pg.Client;
beforeAll(async () => {
  session = await lender.session();
  application = await lender.database.client();
});
afterEach(() => application.query('rollback'));
beforeEach(() => rows('truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.rejected_record'));

const line = (n: number, second = 1, fields = {}) => ({
  line: n,
  version: version('Account', idOf(n), second, fields),
});

/** Applies lines of a file that was put long after their stamps, unless it says when. */
function applied(lines: readonly object[], more: { mappedKey?: string; waits?: number; putAt?: string } = {}) {
  const { mappedKey = MAPPED, waits = 0, putAt = '2030-01-01T00:00:00Z' } = more;
  const bucket = new MemoryBucket();
  const input = { from: 'file', object: 'Account', mappedKey, source: 'file', putAt, execution: 'one', waits } as const;
  const done = async () => {
    await bucket.writeLines(mappedKey, lines);
    return applyRecords(bucket.storage, contextOf(session, configuration, 'Account'), input);
  };
  return { bucket, done };
}

test('a file that was worked off leaves nothing', async () => {
  const { bucket, done } = applied([line(1), line(2)]);
  const answer = await done();
  expect(answer).toMatchObject({ inserted: 2, attempt: 0 });
  for (const left of ['restKey', 'rereadKey', 'waits']) expect(answer).not.toHaveProperty(left);
  expect([...bucket.objects.keys()]).toEqual([MAPPED]);
});

test('a locked table leaves its lines for the next call, under a name that says how many, and counts the waits', async () => {
  await applied([line(1), line(2), line(3)]).done();
  await application.query('begin; lock table lenders in access exclusive mode');
  const later = [1, 2, 3].map((n) => line(n, 2, { Phone: '2' }));
  const first = applied(later);
  const restKey = 'work/one/3-left-of-mapped-0.jsonl';
  expect(await first.done()).toMatchObject({ updated: 0, restKey, waits: 1 });
  expect(first.bucket.lines(restKey)).toEqual(first.bucket.lines(MAPPED));
  // The next one of them begins its name anew.
  expect(await applied(later, { mappedKey: restKey, waits: 99 }).done()).toMatchObject({ restKey, waits: 100 });
  const refused = { code: 'TABLE_LOCKED', message: expect.stringContaining('pg_locks') };
  await expect(applied(later, { waits: 100 }).done()).rejects.toMatchObject(refused);
});

test('a record of which it is not known whether it is the newest is to be read again', async () => {
  await applied([line(1, 5)]).done();
  // Another content under the stamp that is known: one of the two is older.
  const { bucket, done } = applied([line(1, 5, { Phone: 'other' })]);
  const rereadKey = 'work/one/reread-1-of-mapped-0.jsonl';
  expect(await done()).toMatchObject({ attempt: 0, rereadKey });
  expect(bucket.lines(rereadKey)).toMatchObject([{ id: idOf(1), revision: expect.any(Number) }]);
});

test('what was read again is applied, and what is in doubt still is read once more', async () => {
  await applied([line(1, 5)]).done();
  const bucket = new MemoryBucket();
  const [{ revision }] = await rows('select revision::int as revision from sfsync.link');
  const read = async (of: number, attempt: number) => {
    const versionsKey = 'work/one/reread-1-of-mapped-0-read-7.jsonl';
    await bucket.writeLines(versionsKey, [
      { id: idOf(1), revision: of, version: line(1, 6, { Phone: 'now' }).version },
    ]);
    const readAt = '2030-01-01T00:00:00Z';
    const input = {
      from: 'reread',
      object: 'Account',
      versionsKey,
      readAt,
      source: 'file',
      execution: 'one',
      attempt,
    } as const;
    return applyRecords(bucket.storage, contextOf(session, configuration, 'Account'), input);
  };
  const rereadKey = 'work/one/reread-3-of-reread-1-of-mapped-0-read-7.jsonl';
  // The link has changed since the read began.
  expect(await read(revision - 1, 2)).toMatchObject({ attempt: 2, rereadKey, updated: 0 });
  const answer = await read(revision, 1);
  expect(answer).toMatchObject({ attempt: 1, updated: 1 });
  expect(answer).not.toHaveProperty('rereadKey');
  expect(await rows('select phone from lenders')).toEqual([{ phone: 'now' }]);
});

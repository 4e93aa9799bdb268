import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { FieldValues } from '../../../core/mapping/canonical.ts';
import { mappingOf } from '../../../core/mapping/configuration.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import { forgetListed, rememberListed, saveSweptUntil, sweptUntil } from '../../../postgres/ledger/sweep.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { compareDeleted, compareListed, compareUnlisted } from '../../../steps/sweep/compare.ts';
import { deletedVersion, useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { contextOf } from '../../support/system/steps.ts';

const idOf = (n: number) => `001000000000${String(n).padStart(3, '0')}AAA`;
const LONG_AFTER = Date.UTC(2030, 0, 1);
const stampOf = (second: number) => version('Account', idOf(1), second).stamp;

const lender = useLenderDatabase('file');
let session: Session;
beforeAll(async () => {
  session = await lender.session();
});
beforeEach(async () => {
  await sql('truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.tombstone, sfsync.rejected_record');
  await sql('truncate sfsync.sweep, sfsync.sweep_listed');
});

function apply(...versions: ReturnType<typeof version>[]) {
  return applyVersions(
    contextOf(session, configuration, 'Account'),
    'file',
    versions.map((each, i) => ({ line: i + 1, version: each })),
    LONG_AFTER,
  );
}

const sql = async (text: string) => (await lender.application.query(text)).rows;
const account = mappingOf(configuration, 'Account');
/** As it was merged, unless `values` says otherwise. */
const listed = (n: number, second: number, deleted = false, values: FieldValues = {}) => ({
  ...version('Account', idOf(n), second, values),
  deleted,
});
const findings = (found: readonly { id: string; revision: number; finding: string }[]) =>
  found.map(({ id, revision, finding }) => [id, revision, finding]);

describe('listed records against links', () => {
  test('are missing, different or as they should be, with the revision that their link has', async () => {
    await apply(version('Account', idOf(1), 1), version('Account', idOf(2), 1), version('Account', idOf(3), 1));
    await apply(version('Account', idOf(2), 5), deletedVersion('Account', idOf(3), 5));
    const found = await compareListed(
      session,
      account,
      [listed(1, 1), listed(2, 5, false, { Phone: 'late' }), listed(3, 5, true), listed(4, 1), listed(5, 1, true)],
      LONG_AFTER,
    );
    expect(findings(found)).toEqual([
      [idOf(2), 2, 'different'],
      [idOf(4), 0, 'missing'],
    ]);
  });

  test('that differ in the case of a letter are different records', async () => {
    await apply(version('Account', '001000000000aBcAAA', 1));
    const records = ['001000000000aBcAAA', '001000000000abCAAA'].map((id) => ({ ...listed(1, 1), id }));
    expect(findings(await compareListed(session, account, records, LONG_AFTER))).toEqual([
      ['001000000000abCAAA', 0, 'missing'],
    ]);
  });

  test('of another object are not mistaken for those of this one', async () => {
    await apply(version('Account', idOf(1), 1));
    expect(await compareListed(session, mappingOf(configuration, 'Contact'), [listed(1, 1)], LONG_AFTER)).toMatchObject(
      [{ finding: 'missing' }],
    );
  });

  test('that are being pushed, or are due to be read, are left alone', async () => {
    await apply(version('Account', idOf(1), 1), version('Account', idOf(2), 1), version('Account', idOf(3), 1));
    await sql(`update sfsync.link set push_id = 'p' where salesforce_id = '${idOf(1)}'`);
    await sql(`update sfsync.link set reread_due = true where salesforce_id = '${idOf(2)}'`);
    await sql(`update sfsync.link set dirty = true where salesforce_id = '${idOf(3)}'`);
    const records = [1, 2, 3].map((n) => listed(n, 2, false, { Phone: 's' }));
    expect(findings(await compareListed(session, account, records, LONG_AFTER))).toEqual([[idOf(3), 1, 'different']]);
  });

  test('that were rejected on their way here are known, until the reject is resolved', async () => {
    await apply(version('Account', idOf(1), 1, { Name: null }));
    const find = async () => findings(await compareListed(session, account, [listed(1, 1)], LONG_AFTER));
    expect(await find()).toEqual([[idOf(1), 0, 'rejected before']]);
    await sql(`update sfsync.rejected_record set direction = 'to-salesforce'`);
    expect(await find()).toEqual([[idOf(1), 0, 'missing']]);
    await sql(`update sfsync.rejected_record set direction = 'to-postgres', resolved_at = now()`);
    expect(await find()).toEqual([[idOf(1), 0, 'missing']]);
  });

  test('are compared in sets, whatever their number', async () => {
    const records = Array.from({ length: 25_001 }, (_, i) => ({
      ...listed(1, 1),
      id: `0010000000${String(i).padStart(5, '0')}AAA`,
    }));
    expect(await compareListed(session, account, records, LONG_AFTER)).toHaveLength(25_001);
  });
});

test('entries of the delete log keep their time, for a record that is found nowhere', async () => {
  await apply(version('Account', idOf(1), 1), version('Account', idOf(2), 1));
  await apply(deletedVersion('Account', idOf(2), 2));
  const entries = [1, 2, 3].map((n) => ({ id: idOf(n), deletedAt: stampOf(9) }));
  expect(await compareDeleted(session, 'Account', entries, LONG_AFTER)).toEqual([
    { id: idOf(1), revision: 1, finding: 'deleted', deletedAt: stampOf(9) },
  ]);
});

describe('links that were not listed', () => {
  const all = async (limit: number) => {
    const parts: string[][] = [];
    let after: string | undefined;
    do {
      const place = { after, limit, missedBefore: LONG_AFTER };
      const part = await compareUnlisted(session, 'Account', 'sweep-1', place);
      parts.push(part.found.map(({ id }) => id));
      after = part.after;
    } while (after !== undefined);
    return parts;
  };

  test('are found part by part; deleted ones, those of other objects and other sweeps’ lists do not count', async () => {
    await apply(...[1, 2, 3, 4, 5, 6].map((n) => version('Account', idOf(n), 1)));
    await apply(deletedVersion('Account', idOf(6), 2));
    await rememberListed(session, 'Account', 'sweep-1', [idOf(2), idOf(2)]);
    await rememberListed(session, 'Account', 'sweep-1', [idOf(2)]);
    await rememberListed(session, 'Account', 'sweep-2', [idOf(3)]);
    await rememberListed(session, 'Contact', 'sweep-1', [idOf(4)]);
    expect(await all(2)).toEqual([[idOf(1)], [idOf(3), idOf(4)], [idOf(5)], []]);
    expect(await all(100)).toEqual([[idOf(1), idOf(3), idOf(4), idOf(5)]]);
  });

  test('a part without a finding does not end the search', async () => {
    await apply(...[1, 2, 3].map((n) => version('Account', idOf(n), 1)));
    await sql(`update sfsync.link set reread_due = true where salesforce_id <> '${idOf(3)}'`);
    expect(await all(2)).toEqual([[], [idOf(3)]]);
  });

  test('are forgotten by object', async () => {
    await rememberListed(session, 'Account', 'sweep-1', [idOf(1)]);
    await rememberListed(session, 'Contact', 'sweep-1', [idOf(2)]);
    await forgetListed(session, 'Account');
    expect(await sql('select object from sfsync.sweep_listed')).toEqual([{ object: 'Contact' }]);
  });
});

test('how far sweeps came never goes back', async () => {
  expect(await sweptUntil(session, 'Account')).toBeUndefined();
  await saveSweptUntil(session, 'Account', stampOf(5) + 123);
  expect(await sweptUntil(session, 'Account')).toBe(stampOf(5) + 123);
  await saveSweptUntil(session, 'Account', stampOf(4));
  expect(await sweptUntil(session, 'Account')).toBe(stampOf(5) + 123);
  expect(await sweptUntil(session, 'Contact')).toBeUndefined();
});

/** `sfsync.org`: the org that the database is linked with. What was read in another one is not taken. */

import { beforeAll, beforeEach, expect, test } from 'vitest';
import { acceptOrg, readOrg, requireOrg } from '../../../postgres/ledger/org.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { aMillisecondLater } from '../../support/a-millisecond-later.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';

const [OURS, THEIRS, THIRD] = ['00D000000000001AAA', '00D000000000002AAA', '00D000000000003AAA'];
const lender = useLenderDatabase('file');
let session: Session;
beforeAll(async () => {
  session = await lender.session();
});
beforeEach(() => lender.rows('truncate sfsync.org'));

const refused = (linked: string, seen: string) => ({
  code: 'OTHER_ORG',
  message: expect.stringMatching(new RegExp(`linked with org ${linked}, and the secret leads to org ${seen}`)),
});

test('the first org that is seen is the linked one', async () => {
  expect(await readOrg(session)).toBeUndefined();
  await requireOrg(session, undefined);
  expect(await readOrg(session)).toBeUndefined();
  await requireOrg(session, OURS);
  expect(await readOrg(session)).toMatchObject({ id: OURS, other: null, otherSince: null });
  await requireOrg(session, OURS);
  await requireOrg(session, undefined);
});

test('another one stops all, also what does not say where it was read, until the linked one is seen again', async () => {
  await requireOrg(session, OURS);
  await expect(requireOrg(session, THEIRS)).rejects.toMatchObject(refused(OURS ?? '', THEIRS ?? ''));
  const first = await readOrg(session);
  expect(first).toMatchObject({ id: OURS, other: THEIRS, otherSince: expect.any(Date) });
  await expect(requireOrg(session, undefined)).rejects.toMatchObject(refused(OURS ?? '', THEIRS ?? ''));
  await expect(requireOrg(session, THEIRS)).rejects.toMatchObject({ code: 'OTHER_ORG' });
  expect(await readOrg(session)).toEqual(first);
  aMillisecondLater();
  await expect(requireOrg(session, THIRD)).rejects.toMatchObject(refused(OURS ?? '', THIRD ?? ''));
  const third = await readOrg(session);
  expect(third?.otherSince?.getTime()).toBeGreaterThan(first?.otherSince?.getTime() ?? 0);
  await requireOrg(session, OURS);
  expect(await readOrg(session)).toMatchObject({ id: OURS, other: null, otherSince: null });
  await requireOrg(session, undefined);
});

test('an operator may accept another one', async () => {
  await requireOrg(session, OURS);
  const before = await readOrg(session);
  await expect(requireOrg(session, THEIRS)).rejects.toThrow();
  aMillisecondLater();
  const owner = lender.application;
  await acceptOrg(owner, THEIRS ?? '');
  expect(await readOrg(session)).toMatchObject({ id: THEIRS, other: null, otherSince: null });
  expect((await readOrg(session))?.since.getTime()).toBeGreaterThan(before?.since.getTime() ?? 0);
  await requireOrg(session, THEIRS);
  await expect(requireOrg(session, OURS)).rejects.toMatchObject({ code: 'OTHER_ORG' });
});

/** The org that is read is not the one that the database was linked with. */
import { beforeEach, describe, expect, test } from 'vitest';
import configuration from '../../examples/lender/sync.config.ts';
import { acceptOrg, readOrg } from '../../postgres/ledger/org.ts';
import type { Session } from '../../postgres/session/connection.ts';
import { applyRereads, applyVersions } from '../../steps/apply.ts';
import { requireOrgOf } from '../../steps/push/push-file.ts';
import { useLenderDatabase, version } from '../support/postgres/lender-database.ts';
import { contextOf, SILENT } from '../support/system/steps.ts';

const CONTACT = '003000000000001AAA';
const [LINKED, OTHER] = ['00D000000000001', '00D000000000002'];
const LATER = Date.UTC(2030, 0, 1);

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
beforeEach(async () => {
  session = await lender.session();
});

/** Of a read in an org; answers what the row holds then. */
async function read(org: string | undefined, phone: string) {
  const line = { id: CONTACT, revision: 0, version: version('Contact', CONTACT, 1, { Phone: phone }), org };
  const revision = await rows('select revision::int as revision from sfsync.link');
  await applyRereads(contextOf(session, configuration, 'Contact'), 'test', [{ ...line, ...revision[0] }], LATER);
  return (await rows('select phone from borrowers'))[0]?.phone;
}

function file() {
  const line = { line: 1, version: version('Contact', CONTACT, 2, { Phone: 'of a file' }) };
  return applyVersions(contextOf(session, configuration, 'Contact'), 'f', [line], LATER);
}

const REFUSED = {
  name: 'ConfigurationError',
  code: 'OTHER_ORG',
  message: expect.stringContaining('sfsync org --accept'),
};

describe('an org', () => {
  test('is remembered at the first contact; what is read in another is not merged', async () => {
    expect(await read(LINKED, '1')).toBe('1');
    expect(await readOrg(session)).toMatchObject({ id: LINKED, other: null });
    await expect(read(OTHER, '2')).rejects.toMatchObject(REFUSED);
    expect(await rows('select phone from borrowers')).toEqual([{ phone: '1' }]);
    expect(await readOrg(session)).toMatchObject({ id: LINKED, other: OTHER });
  });

  test('that is another stops files, too, whose org nothing says; the right one, met again, lets them go on', async () => {
    await read(LINKED, '1');
    await expect(read(OTHER, '2')).rejects.toMatchObject(REFUSED);
    await expect(file()).rejects.toMatchObject(REFUSED);
    await read(LINKED, '1');
    expect(await file()).toMatchObject({ rejected: 0 });
    expect(await readOrg(session)).toMatchObject({ other: null, otherSince: null });
  });

  test('is another one when an operator says so', async () => {
    await read(LINKED, '1');
    await expect(read(OTHER, '2')).rejects.toMatchObject(REFUSED);
    await acceptOrg(lender.application, OTHER);
    expect(await read(OTHER, '1')).toBe('1');
    await expect(read(LINKED, '1')).rejects.toMatchObject(REFUSED);
  });
});

test('nothing is sent to another org than the one that was looked at', () => {
  const sender = (organizationId: string | undefined) => ({
    connection: { organizationId } as never,
    storage: {} as never,
    log: SILENT,
  });
  const lines = [{ org: LINKED }, {}];
  expect(() => requireOrgOf(sender(OTHER), lines)).toThrow(OTHER);
  expect(() => requireOrgOf(sender(LINKED), lines)).not.toThrow();
  expect(() => requireOrgOf(sender(LINKED), [{}])).not.toThrow();
});

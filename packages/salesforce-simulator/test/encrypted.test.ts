import { afterAll, beforeAll, expect, test } from 'vitest';
import { created, refusal, type StartedOrg, startedOrg } from './started-org.ts';

let org: StartedOrg;
let id = '';
beforeAll(async () => {
  org = await startedOrg();
  id = await created(org, 'Account', { Name: 'Acme', Website: '4111-1111-1111-1234' });
  await org.faults({ changedField: { object: 'Account', field: 'Website', type: 'encryptedstring' } });
});
afterAll(() => org[Symbol.asyncDispose]());

const query = async (soql: string) => (await org.connection.query(soql)).records;
const MASK = '***************1234';

test('an encrypted text is masked in queries and rows, and kept as it is', async () => {
  expect(await query('SELECT Website FROM Account')).toMatchObject([{ Website: MASK }]);
  expect(await org.connection.sobject('Account').retrieve(id)).toMatchObject({ Website: MASK });
  expect(await query('SELECT PermissionsViewEncryptedData FROM UserPermissionAccess')).toMatchObject([
    { PermissionsViewEncryptedData: false },
  ]);
  await org.faults({ viewEncryptedData: {} });
  expect(await query('SELECT Website FROM Account')).toMatchObject([{ Website: '4111-1111-1111-1234' }]);
  expect(await query('SELECT PermissionsViewEncryptedData FROM UserPermissionAccess')).toMatchObject([
    { PermissionsViewEncryptedData: true },
  ]);
  await org.faults({ viewEncryptedData: null });
});

test('it is described as what it is, and no query filters by it', async () => {
  const { fields } = await org.connection.sobject('Account').describe();
  expect(fields.find(({ name }) => name === 'Website')).toMatchObject({
    type: 'encryptedstring',
    encrypted: true,
    mask: '*',
    maskType: 'lastFour',
    filterable: false,
  });
  const filtered = query("SELECT Id FROM Account WHERE Website = 'x'");
  expect((await refusal(filtered)).errorCode).toBe('INVALID_FIELD');
});

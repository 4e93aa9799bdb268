import { afterEach, beforeEach, expect, test } from 'vitest';
import { salesforceDrift } from '../../core/mapping/org-drift.ts';
import { type StartedOrg, startedOrg } from '../../packages/salesforce-simulator/test/started-org.ts';
import { describeObject } from '../../salesforce/describe.ts';
import { opportunities } from './records.ts';

let org: StartedOrg;
beforeEach(async () => {
  org = await startedOrg();
});
afterEach(() => org[Symbol.asyncDispose]());

test('an object is described with what drift has to know', async () => {
  const described = await describeObject(org.connection, 'Opportunity');
  expect(described).toMatchObject({ queryable: true, updateable: true, deletable: true });
  const field = (name: string) => described?.fields.find((each) => each.name === name);
  expect(field('Name')).toMatchObject({ type: 'string', length: 120, nillable: false, createable: true });
  expect(field('Amount')).toMatchObject({ type: 'currency', scale: 2, nillable: true, updateable: true });
  expect(field('IsWon')).toMatchObject({ type: 'boolean', updateable: false });
  expect(field('AccountId')).toMatchObject({ type: 'reference', referenceTo: ['Account'] });
});

test('the sample has not drifted; a field that is taken from our user has', async () => {
  const columns = ['id', 'salesforce_id', ...opportunities.fields.map(({ column }) => column)].map((name) => ({
    name,
    type: name === 'id' ? 'uuid' : 'text',
    maxLength: null,
    notNull: ['title', 'stage', 'closes_on'].includes(name),
  }));
  const drift = async () =>
    salesforceDrift(opportunities, await describeObject(org.connection, 'Opportunity'), columns);
  expect(await drift()).toEqual([]);
  await org.faults({ hiddenField: { object: 'Opportunity', field: 'Amount' } });
  expect(await drift()).toEqual([{ kind: 'broken', text: expect.stringContaining('Opportunity.Amount') }]);
});

test('an object that is not there is none', async () => {
  expect(await describeObject(org.connection, 'Nothing__c')).toBe(undefined);
});

test('an org that is away may be asked again', async () => {
  await org.faults({ requestLimitExceeded: {} });
  await expect(describeObject(org.connection, 'Account')).rejects.toMatchObject({ name: 'RetryableError' });
});

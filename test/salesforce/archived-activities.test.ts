/** Tasks of last year, which Salesforce archives: a plain query does not find them, and they are no deleted records. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defineSync, mappingOf, text } from '../../core/mapping/configuration.ts';
import { objectsFromDescribes } from '../../packages/salesforce-simulator/schema/from-describe.ts';
import { created, type StartedOrg, startedOrg } from '../../packages/salesforce-simulator/test/started-org.ts';
import { listRecords } from '../../salesforce/list.ts';
import { readRecords } from '../../salesforce/read.ts';
import { readByExternalId } from '../../salesforce/read-by-external-id.ts';

const field = (name: string, type: string, more: object = {}) => ({
  ...{ name, label: name, type, length: 80, nillable: true, createable: true, updateable: true },
  ...more,
});
const READ_ONLY = { createable: false, updateable: false };
const TASK = {
  ...{ name: 'Task', keyPrefix: '00T', createable: true, updateable: true, deletable: true },
  fields: [
    field('Id', 'id', READ_ONLY),
    ...['CreatedDate', 'LastModifiedDate', 'SystemModstamp'].map((name) => field(name, 'datetime', READ_ONLY)),
    field('IsDeleted', 'boolean', READ_ONLY),
    field('IsArchived', 'boolean', { ...READ_ONLY, defaultValue: false }),
    field('Subject', 'combobox', { length: 255 }),
    field('Row_Key__c', 'string', { externalId: true, unique: true }),
  ],
};
const tasks = mappingOf(
  defineSync({
    objects: { Task: { table: 'tasks', externalId: 'Row_Key__c', insert: true, fields: { Subject: text('title') } } },
  }),
  'Task',
);

let org: StartedOrg;
beforeAll(async () => {
  org = await startedOrg({ objects: objectsFromDescribes([TASK]).objects });
});
afterAll(() => org[Symbol.asyncDispose]());

test('an archived task is read, listed and found as the live record that it is', async () => {
  const id = await created(org, 'Task', { Subject: 'Call', Row_Key__c: '7' });
  org.clock.now += 366 * 24 * 3_600_000;
  const archivedAt = org.clock.now;
  expect((await org.call('POST', '~/_simulator/actions', { archive: [id, id] })).json).toEqual({ archived: 1 });
  expect((await org.connection.query('SELECT Id FROM Task')).totalSize).toBe(0);

  const live = { id, deleted: false, stamp: archivedAt, fields: { Subject: 'Call' } };
  expect((await readRecords(org.connection, tasks, [id])).get(id)?.version).toMatchObject(live);
  expect((await readByExternalId(org.connection, tasks, ['7'])).get('7')?.version).toMatchObject(live);
  const { records } = await listRecords(org.connection, tasks, { from: archivedAt, limit: 10 });
  expect(records).toMatchObject([live]);

  // It may be edited like any other.
  await org.connection.sobject('Task').update({ Id: id, Subject: 'Called' });
  expect((await readRecords(org.connection, tasks, [id])).get(id)?.version?.fields).toEqual({ Subject: 'Called' });
});

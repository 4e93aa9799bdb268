/** A field joins the mapping of an object of which always something is due: it is edited more often than a batch takes. */
import { expect, test } from 'vitest';
import configuration from '../../../examples/lender/sync.config.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { collectChanges } from '../../../steps/collect.ts';
import { useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { contextOf, SILENT } from '../../support/system/steps.ts';

const EXECUTION = 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:one';
const IDS = ['001000000000001AAA', '001000000000002AAA', '001000000000003AAA'];
const lender = useLenderDatabase('test');
const { rows } = lender;

const FORMER = {
  ...configuration,
  objects: configuration.objects.map((each) => ({
    ...each,
    fields: each.fields.filter(({ field }) => field !== 'Website'),
  })),
};

test('its records are read beside the edits, and that it is done is reported', async () => {
  const session = await lender.session();
  for (const id of IDS) {
    const line = { line: 1, version: version('Account', id, 1, { Phone: 'base' }) };
    await applyVersions(contextOf(session, FORMER, 'Account'), 'f', [line], Date.UTC(2030, 0, 1));
  }
  const written: { id: string }[][] = [];
  const storage = {
    list: async () => [],
    writeLines: async (_: string, lines: { id: string }[]) => written.push(lines),
  };
  const queue = { receive: async () => [], delete: async () => undefined };
  const ports = { queue, log: SILENT, storage, isRunning: async () => true, now: Date.now } as never;
  const answers: unknown[] = [];
  for (let batches = 0; batches < 6; batches++) {
    // The edit that comes while the batch before was pushed.
    await rows(`update lenders set phone = 'edit ${batches}' where salesforce_id = '${IDS[2]}'`);
    await rows(`update sfsync.link set reread_due = false, dirty = salesforce_id = '${IDS[2]}', dirty_since = now()`);
    const input = { trigger: 'changes', batches, fenced: false } as const;
    const { next, ...more } = await collectChanges(
      contextOf(session, configuration, 'Account', EXECUTION),
      ports,
      input,
    );
    answers.push('reasons' in more ? more.reasons : next);
  }
  expect(answers).toContainEqual([{ code: 'FIELD_JOINED', field: 'Website', count: expect.any(Number) }]);
  expect(answers.filter((answer) => answer === 'push')).toHaveLength(5);
  expect(new Set(written.flat().map(({ id }) => id))).toEqual(new Set(IDS));
});

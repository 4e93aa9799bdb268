/** What could not be handled is redriven later than newer edits, from the console and by the command line: nothing is undone. */
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { type BothSides, type Pair, until } from '../support/system/both-sides.ts';

const OBJECTS = {
  Contact: { table: 'borrowers', column: 'credit_score', field: 'Credit_Score__c' },
  Opportunity: { table: 'loan_applications', column: 'amount', field: 'Amount' },
} as const;
type Kind = keyof typeof OBJECTS;

export function lateRedrives(sides: () => BothSides): void {
  const queueOf = (object: Kind) => sides().resource(`changeQueue.${object}`);
  const deadLettersOf = (object: Kind) => sides().resource(`changeDeadLetterQueue.${object}`);
  const arnOf = async (QueueUrl: string) => {
    type Answer = { Attributes: { QueueArn: string } };
    const input = { QueueUrl, AttributeNames: ['QueueArn'] };
    return (await sides().system.call<Answer>('sqs', 'GetQueueAttributes', input)).Attributes.QueueArn;
  };
  /** How often a message is received before it is a dead letter. */
  const receives = async (object: Kind, maxReceiveCount: number) => {
    const deadLetterTargetArn = await arnOf(deadLettersOf(object));
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount });
    const input = { QueueUrl: queueOf(object), Attributes: { RedrivePolicy } };
    await sides().system.call('sqs', 'SetQueueAttributes', input);
  };
  const value = async (object: Kind, { id }: Pair) => {
    const { field } = OBJECTS[object];
    return (await sides().record(object, id, field))?.[field as keyof object];
  };
  const kindsOfWrites = async ({ id }: Pair) => (await sides().writesToRecord(id)).map(({ kind }) => kind);

  test('dead letters and failed executions, redriven after newer edits, undo nothing and write nothing', async () => {
    const objects = Object.keys(OBJECTS) as Kind[];
    const pairs = new Map<Kind, readonly [Pair, Pair]>();
    for (const object of objects) {
      const [edited, deleted] = await sides().pairs(object, 2);
      if (edited === undefined || deleted === undefined) throw new Error('two pairs were asked for');
      pairs.set(object, [edited, deleted]);
    }
    const since = Date.now();
    await sides().rest();

    // The link table takes nothing, so the messages become dead letters, and the executions fail.
    await sides().rows('revoke update on sfsync.link from sfsync_apply');
    const kept = new Map<Kind, unknown>();
    for (const [object, [edited, deleted]] of pairs) {
      const { table, column } = OBJECTS[object];
      await receives(object, 1);
      await sides().rows(`update ${table} set ${column} = 601 where id = $1`, [edited.key]);
      const [row] = await sides().rows(`delete from ${table} where id = $1 returning to_jsonb(${table}) as kept`, [
        deleted.key,
      ]);
      kept.set(object, row?.kept);
    }
    for (const object of objects) {
      await until(`dead letters of ${object}`, async () => (await sides().messagesIn(deadLettersOf(object))) > 0);
      await until(`${object}'s queue empty`, async () => (await sides().messagesIn(queueOf(object))) === 0);
      await receives(object, 10);
    }
    await sides().rows('grant update on sfsync.link to sfsync_apply');

    // Newer edits: another value, and the deleted row is back.
    for (const [object, [edited]] of pairs) {
      const { table, column } = OBJECTS[object];
      await sides().rows(`update ${table} set ${column} = 602 where id = $1`, [edited.key]);
      await sides().rows(`insert into ${table} select * from jsonb_populate_record(null::${table}, $1)`, [
        kept.get(object),
      ]);
    }
    await sides().rest();
    for (const [object, [edited]] of pairs) expect(await value(object, edited)).toBe(602);

    const { directory } = sides().system;
    const cli = [join(dirname(directory), 'cli', 'sfsync.ts'), '--endpoints', join(directory, 'endpoints.json')];
    await sides().system.call('sqs', 'StartMessageMoveTask', { SourceArn: await arnOf(deadLettersOf('Contact')) });
    const [script = '', ...endpoints] = cli;
    await promisify(execFile)(
      process.execPath,
      [
        script,
        '--config',
        'examples/lender/sync.config.ts',
        'redrive',
        'changes',
        '--object',
        'Opportunity',
        ...endpoints,
      ],
      {
        cwd: dirname(directory),
      },
    );
    let redriven = 0;
    for (const { executionArn } of await sides().executions('postgresToSalesforce', 'FAILED')) {
      if (((await sides().describe(executionArn)).stopDate ?? 0) * 1000 < since) continue;
      await sides().system.call('states', 'RedriveExecution', { executionArn });
      await until('its end', async () => (await sides().describe(executionArn)).status !== 'RUNNING');
      expect(await sides().describe(executionArn)).toMatchObject({ status: 'SUCCEEDED' });
      redriven++;
    }
    expect(redriven).toBeGreaterThan(0);
    for (const object of objects) {
      await until(`no dead letters of ${object}`, async () => (await sides().messagesIn(deadLettersOf(object))) === 0);
    }
    await sides().rest();

    for (const [object, [edited, deleted]] of pairs) {
      expect(await value(object, edited)).toBe(602);
      expect(await kindsOfWrites(edited), 'the newer edit alone').toEqual(['update']);
      expect(await kindsOfWrites(deleted), 'it was never gone').toEqual([]);
    }
  });
}

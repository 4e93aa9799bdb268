/** An execution stopped after any of its steps: the next one takes the lease over, and fences what may still be on its way. */
import { expect, test } from 'vitest';
import { type BothSides, until } from '../support/system/both-sides.ts';

/** The states of the outbound machine, in the order in which an execution with a push enters them, and what is pushed. */
const STEPS = {
  Contact: [
    ['Collect changes', 'update'],
    ['Read Salesforce', 'update'],
    ['Decide changes', 'update'],
    ['Start flow', 'update'],
    ['Read runs', 'update'],
    ['Read back', 'update'],
    ['Settle batch', 'update'],
  ],
  Opportunity: [
    ['Collect changes', 'delete'],
    ['Read Salesforce', 'update'],
    ['Decide changes', 'delete'],
    ['Push records', 'update'],
    ['Delete records', 'delete'],
    ['Read back', 'update'],
    ['Settle batch', 'delete'],
  ],
} as const;

const TABLES = {
  Contact: { table: 'borrowers', column: 'credit_score', field: 'Credit_Score__c' },
  Opportunity: { table: 'loan_applications', column: 'amount', field: 'Amount' },
} as const;

export function stoppedExecutions(sides: () => BothSides): void {
  /** Stops the object's next execution that enters the state; those that are under way count, too. Answers its ARN. */
  const stopAt = (object: string, state: string): Promise<string> => {
    const since = Date.now();
    return until(`an execution for ${object} in ${state}`, async () => {
      for (const { executionArn } of await sides().executions('postgresToSalesforce', 'RUNNING')) {
        if (!(await sides().describe(executionArn)).input.includes(`"${object}"`)) continue;
        const entered = (await sides().history(executionArn)).some(
          (event) => event.stateEnteredEventDetails?.name === state && event.timestamp * 1000 >= since,
        );
        if (!entered) continue;
        await sides().system.call('states', 'StopExecution', { executionArn, error: 'Killed', cause: 'by the test' });
        return executionArn;
      }
      return undefined;
    });
  };

  test.concurrent.each(['Contact', 'Opportunity'] as const)(
    'the execution, stopped after each step of a push of a %s',
    async (object) => {
      const steps = STEPS[object];
      const pairs = await sides().pairs(object, steps.length);
      const stopped: string[] = [];
      for (const [i, [state, change]] of steps.entries()) {
        const stop = stopAt(object, state);
        // A run, or a request, that outlives its execution: the next execution has to wait for it.
        const client = { 'Read runs': 'AmazonAppFlow', 'Push records': 'sfsync', 'Delete records': 'sfsync' }[
          state as string
        ];
        const slow = { object, client, kinds: ['collections'], beforeMs: 2_000, times: 1 };
        if (client !== undefined) await sides().faults({ slowAnswer: slow });
        const { table, column } = TABLES[object];
        const sql = { update: `update ${table} set ${column} = ${700 + i}`, delete: `delete from ${table}` }[change];
        await sides().rows(`${sql} where id = $1`, [pairs[i]?.key]);
        stopped.push(await stop);
      }
      expect(new Set(stopped).size).toBe(steps.length);
      await sides().rest();

      const { field } = TABLES[object];
      for (const [i, { id }] of pairs.entries()) {
        const isDeleted = steps[i]?.[1] === 'delete';
        const expected = isDeleted ? { IsDeleted: true } : { IsDeleted: false, [field]: 700 + i };
        expect(await sides().record(object, id, field)).toMatchObject(expected);
      }
      expect(
        await Promise.all(pairs.map(async ({ id }) => (await sides().writesToRecord(id)).map(({ kind }) => kind))),
      ).toEqual(steps.map(([, change]) => [change]));
      for (const executionArn of stopped) {
        expect(await sides().describe(executionArn)).toMatchObject({ status: 'ABORTED', error: 'Killed' });
        await until('its dead letter', async () =>
          (await sides().deadLetters('postgresToSalesforce')).some((letter) => letter.includes(executionArn)),
        );
      }
    },
  );
}

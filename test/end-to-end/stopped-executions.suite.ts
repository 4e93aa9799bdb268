/** An execution stopped after any of its steps: the next one takes the lease over, and fences what may still be on its way. */
import { expect, test } from 'vitest';
import { type BothSides, until } from '../support/both-sides.ts';

/** The states of the outbound machine, in the order in which an execution with a push enters them. */
const STEPS = {
  Contact: ['Read Salesforce', 'Decide changes', 'Start flow', 'Read runs', 'Read back', 'Settle batch'],
  Opportunity: ['Read Salesforce', 'Decide changes', 'Push records', 'Read back', 'Settle batch'],
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
      for (const [i, state] of steps.entries()) {
        const stop = stopAt(object, state);
        // A run that outlives its execution: whoever comes next has to wait for it.
        const slow = { object, client: 'AmazonAppFlow', kinds: ['collections'], beforeMs: 2_000, times: 1 };
        if (state === 'Read runs') await sides().faults({ slowAnswer: slow });
        const sql = {
          Contact: 'update borrowers set credit_score = $2 where id = $1',
          Opportunity: 'update loan_applications set amount = $2 where id = $1',
        };
        await sides().rows(sql[object], [pairs[i]?.key, 700 + i]);
        stopped.push(await stop);
      }
      expect(new Set(stopped).size).toBe(steps.length);
      await sides().rest();

      const field = { Contact: 'Credit_Score__c', Opportunity: 'Amount' }[object];
      for (const [i, { id }] of pairs.entries()) {
        expect(await sides().record(object, id, field)).toMatchObject({ [field]: 700 + i });
      }
      expect(
        await Promise.all(pairs.map(async ({ id }) => (await sides().writesToRecord(id)).map(({ kind }) => kind))),
      ).toEqual(pairs.map(() => ['update']));
      for (const executionArn of stopped) {
        expect(await sides().describe(executionArn)).toMatchObject({ status: 'ABORTED', error: 'Killed' });
        await until('its dead letter', async () =>
          (await sides().deadLetters('postgresToSalesforce')).some((letter) => letter.includes(executionArn)),
        );
      }
    },
  );
}

/** An outage of Salesforce wears nothing out: the object's circuit opens, its edits wait, and go by themselves afterwards. */
import { expect, test } from 'vitest';
import { type BothSides, until } from '../support/system/both-sides.ts';

export function salesforceAway(sides: () => BothSides): void {
  const circuit = async () =>
    (await sides().row<{ circuit: string }>("select circuit from sfsync.lease where object = 'Account'"))?.circuit;
  const notifications = (words: string) =>
    sides()
      .notifications()
      .filter(({ subject }) => subject.includes(words));
  const ended = async () => {
    const executions = await sides().executions('postgresToSalesforce', 'SUCCEEDED');
    return executions.length;
  };

  test.concurrent('while Salesforce is away the circuit is open, one notification says so, and nothing is lost', async () => {
    const pairs = await sides().pairs('Account', 3);
    const edit = (i: number) =>
      sides().rows('update lenders set employee_count = $2 where id = $1', [pairs[i]?.key, 400 + i]);
    await sides().faults({ serverUnavailable: { object: 'Account', client: 'sfsync' } });

    await edit(0);
    await until(
      'the open circuit',
      async () => (await circuit()) === 'open' && notifications('Account waits').length > 0,
    );
    // More edits come, and probes fail, while it is open.
    await edit(1);
    const before = await ended();
    await until('more executions that end well', async () => (await ended()) >= before + 3);
    await edit(2);
    expect(await circuit()).toBe('open');
    for (const { id } of pairs) expect(await sides().writesToRecord(id)).toEqual([]);

    await sides().faults({ serverUnavailable: null });
    await until('the closed circuit', async () => (await circuit()) === 'closed');
    await sides().rest();

    for (const [i, { id }] of pairs.entries()) {
      expect(await sides().record('Account', id, 'NumberOfEmployees')).toMatchObject({ NumberOfEmployees: 400 + i });
      expect((await sides().writesToRecord(id)).map(({ kind }) => kind)).toEqual(['update']);
    }
    await until('the notification that it is back', () => notifications('Account goes on').length > 0);
    expect(notifications('Account waits')).toHaveLength(1);
    expect(notifications('Account goes on')).toHaveLength(1);
    expect(await sides().messagesIn(sides().resource('changeDeadLetterQueue.Account'))).toBe(0);
  });
}

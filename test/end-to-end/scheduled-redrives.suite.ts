/** What the schedule of redrives calls, with the rights and the environment that it has. */
import { expect, test } from 'vitest';
import type { BothSides } from '../support/system/both-sides.ts';

export function scheduledRedrives(sides: () => BothSides): void {
  test('an execution that has succeeded since is taken off the list of the failed ones', async () => {
    const call = sides().system.call.bind(sides().system);
    const { Functions } = await call<{ Functions: { FunctionName: string }[] }>('lambda', 'ListFunctions', {});
    const FunctionName = Functions.find((each) => each.FunctionName.includes('RedriveExecutions'))?.FunctionName;
    const [done] = await sides().executions('salesforceToPostgres', 'SUCCEEDED');
    const execution = done?.executionArn ?? '';
    const MessageBody = JSON.stringify({ execution, stateMachine: 'arn:m', status: 'FAILED' });
    const QueueUrl = sides().resource('deadLetterQueue.salesforceToPostgres');
    await call('sqs', 'SendMessage', { QueueUrl, MessageBody });
    expect(await call('lambda', 'Invoke', { FunctionName })).toMatchObject({ StatusCode: 200, Payload: 'null' });
    const letters = await sides().deadLetters('salesforceToPostgres');
    expect(letters.filter((letter) => letter.includes(execution))).toEqual([]);
  });
}

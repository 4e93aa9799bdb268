/** Records that Salesforce could not take in several attempts. */
import { expect, test } from 'vitest';
import { CHANGES, inTurn, machineOf, settled, tasks } from './outbound-batch.ts';

test('are notified when the batch is settled, and the batch goes on', async () => {
  const waiting = { records: 2, answers: [{ code: 'UNABLE_TO_LOCK_ROW', count: 2, ids: ['003000000000001AAA'] }] };
  const SettleBatch = inTurn<'SettleBatch'>(settled({ waiting, readAgainKey: 'again' }), settled());
  const machine = machineOf(tasks({ SettleBatch }));
  expect(await machine.run(CHANGES)).toMatchObject({ status: 'SUCCEEDED' });
  expect(machine.inputsOf('Notify')).toMatchObject([{ about: 'waiting', object: 'Contact', ...waiting }]);
  expect(machine.inputsOf('SettleBatch')).toHaveLength(2);
});

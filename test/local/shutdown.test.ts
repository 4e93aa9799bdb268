import { expect, test } from 'vitest';
import { Shutdown } from '../../local/shutdown.ts';

test('parts end in the reverse order, each once, and each even if another fails', async () => {
  const ended: string[] = [];
  const shutdown = new Shutdown();
  shutdown.add('first', () => {
    ended.push('first');
  });
  shutdown.add('second', async () => {
    ended.push('second');
    throw new Error('stuck');
  });
  shutdown.add('third', async () => {
    await Promise.resolve();
    ended.push('third');
  });
  await expect(shutdown.run()).rejects.toThrow('Not everything ended cleanly: second: stuck');
  await expect(shutdown.run()).rejects.toThrow('second: stuck');
  expect(ended).toEqual(['third', 'second', 'first']);
});

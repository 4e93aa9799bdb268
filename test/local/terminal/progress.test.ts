import { expect, test } from 'vitest';
import { Progress } from '../../../local/terminal/progress.ts';

test('a step that is done has one line; one that failed has none, and its error is thrown', async () => {
  const written: string[] = [];
  const progress = new Progress({ isTTY: false, write: (text) => written.push(text) });
  expect(await progress.step('PostgreSQL', async () => 5_433)).toBe(5_433);
  await expect(progress.step('template', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  progress.end();
  expect(written).toHaveLength(1);
  expect(written[0]).toMatch(/^ {2}PostgreSQL +\d+ ms\n$/);
});

test('on a terminal the line of what is being started is drawn over', async () => {
  const written: string[] = [];
  const drawn = Promise.withResolvers<void>();
  const progress = new Progress({
    isTTY: true,
    write: (text) => {
      written.push(text);
      if (text.includes('starting PostgreSQL, template ...')) drawn.resolve();
    },
  });
  await Promise.all([progress.step('PostgreSQL', () => drawn.promise), progress.step('template', () => drawn.promise)]);
  progress.end();
  expect(written.at(-1)).toBe('\r\u001b[K');
});

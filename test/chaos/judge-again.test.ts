import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { writeHistory } from './history/history-file.ts';
import { idOf, Story } from './judge/story.ts';
import { judgeAgain } from './judge-again.ts';

async function kept(story: Story): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'sfsync-judge-again-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'seed-1.history.jsonl');
  await writeHistory(file, story.history());
  return file;
}

const broken = () =>
  new Story()
    .pair('a', { LastName: 'Base', Email: 'base@x' })
    .pair('b', { LastName: 'Base' })
    .edits('salesforce', 'a', { LastName: 'Ada', Email: 'ada@x' })
    .edits('salesforce', 'b', { LastName: 'Bea' });

test('the journey of each pair that a violation names is told once, without values', async () => {
  const { text, violations } = await judgeAgain(await kept(broken()));
  expect(violations).toBe(3);
  expect(text).toContain('sides agree: violated 3 times');
  for (const name of ['a', 'b']) expect(text.split(`Contact ${idOf(name)}, row ${name}\n`)).toHaveLength(2);
  expect(text).toMatch(/^> .*record {2}update by client/m);
  expect(text).not.toMatch(/Ada|Bea/);
});

test('values on demand', async () => {
  const { text } = await judgeAgain(await kept(broken()), { values: true });
  expect(text).toContain('LastName="Ada"');
});

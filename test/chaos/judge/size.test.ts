import { expect, test } from 'vitest';
import { judge } from './judge.ts';
import { Story } from './story.ts';

const PAIRS = 400;
const ROUNDS = 25;

test('ten thousand operations and more than a hundred thousand versions are judged in seconds', () => {
  const story = new Story();
  const names = Array.from({ length: PAIRS }, (_, place) => `p${place}`);
  for (const name of names) story.pair(name, { LastName: `${name} base`, Email: `${name}@base` });
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of names) {
      const [theirs, mine] = [`${name} S${round}`, `${name} P${round}`];
      story.edits('salesforce', name, { LastName: theirs }).applies(name, { LastName: theirs });
      // What follows from a client's write is a version, too.
      for (let echo = 0; echo < 7; echo++) story.write('postgres', name, { notes: `${round} ${echo}` }, 'consequence');
      story.edits('postgres', name, { Email: mine }).lands(name, { Email: mine });
    }
    story.fault('postgres killed').fault('events late');
  }
  const history = story.history();
  expect(history.versions.length).toBeGreaterThan(100_000);
  expect(history.operations.length).toBeGreaterThan(10_000);
  const begun = performance.now();
  expect(judge(history).violations).toEqual([]);
  // Two seconds of a machine of its own.
  expect(performance.now() - begun).toBeLessThan(20_000);
});

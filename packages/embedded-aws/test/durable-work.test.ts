import { describe, expect, test } from 'vitest';
import { type Attempt, DurableWork } from '../durable-work.ts';
import { openStore } from '../store.ts';
import { StatefulAws } from './stateful-aws.ts';

interface Item {
  readonly name: string;
}

const DONE: Attempt<Item> = { kind: 'done' };

function workOn(attempt: (item: Item) => Promise<Attempt<Item>>, concurrency = 2) {
  const aws = new StatefulAws();
  const store = openStore(undefined);
  const make = () => new DurableWork<Item>(aws, store, aws, { table: 'work', concurrency, attempt });
  return { aws, make, rows: () => Number(store.prepare('SELECT count(*) AS n FROM work').get()?.n) };
}

describe('durable work', () => {
  test('holds back what exceeds its concurrency', async () => {
    const open: (() => void)[] = [];
    const { aws, make } = workOn(() => new Promise((resolve) => open.push(() => resolve(DONE))));
    const work = make();
    work.start();
    work.add(['a', 'b', 'c'].map((name) => ({ name })));
    expect(open).toHaveLength(2);
    open[0]?.();
    await aws.settled();
    expect(open).toHaveLength(3);
    for (const finish of open) finish();
    await work.stop();
  });

  test('does nothing before its start and nothing after its end', async () => {
    const done: string[] = [];
    const { aws, make, rows } = workOn(async ({ name }) => {
      done.push(name);
      return DONE;
    });
    const work = make();
    work.add([{ name: 'a' }]);
    await aws.settled();
    expect(done).toEqual([]);
    work.start();
    await aws.settled();
    expect(done).toEqual(['a']);
    await work.stop();
    work.add([{ name: 'b' }]);
    await aws.settled();
    expect(done).toEqual(['a']);
    expect(rows()).toBe(1);
  });

  test('waits at its end for what is under way, and writes down how that ended', async () => {
    let finish = () => {};
    const { make, rows } = workOn(() => new Promise((resolve) => (finish = () => resolve(DONE))));
    const work = make();
    work.start();
    work.add([{ name: 'a' }]);
    const stopped = work.stop();
    finish();
    await stopped;
    expect(rows()).toBe(0);
  });

  test('leaves for the next start what fails in an unforeseen way', async () => {
    let broken = true;
    const { aws, make, rows } = workOn(async () => {
      if (broken) throw new Error('unforeseen');
      return DONE;
    });
    const work = make();
    work.start();
    work.add([{ name: 'a' }]);
    await aws.settled();
    await aws.advance(86_400_000);
    expect(aws.reportedFaults()).toEqual([expect.stringContaining('unforeseen')]);
    expect(rows()).toBe(1);
    await work.stop();
    broken = false;
    make().start();
    await aws.settled();
    expect(rows()).toBe(0);
  });

  test('tries again with the item as it has become', async () => {
    const seen: string[] = [];
    const { aws, make } = workOn(async ({ name }) => {
      seen.push(name);
      return name === 'aaa' ? DONE : { kind: 'again', item: { name: `${name}a` }, delayMs: 10 };
    });
    const work = make();
    work.start();
    work.add([{ name: 'a' }]);
    await aws.settled();
    await aws.advance(20);
    expect(seen).toEqual(['a', 'aa', 'aaa']);
    expect(aws.nextTimerMs).toBeUndefined();
  });
});

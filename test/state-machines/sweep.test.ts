import { describe, expect, test } from 'vitest';
import { AwsError } from '../../packages/embedded-aws/service.ts';
import { type FlowRun, PipelineMachine, type TaskInput, type Tasks, taskError } from './pipeline.ts';

const INPUT = { object: 'Contact', full: false };
const FULL = { object: 'Contact', full: true };
const STARTED_AT = '2026-03-01T12:00:00.000Z';
const FROM = '2026-02-28T12:00:00.000Z';
const READ_AT = '2026-03-01T12:00:05.000Z';

type Applied = Awaited<ReturnType<NonNullable<Tasks['ApplyRecords']>>>;
function applied(change: Partial<Applied> = {}): Applied {
  const nothing = { inserted: 0, updated: 0, deleted: 0, unchanged: 0, rejected: 0, conflicts: 0 };
  return { object: 'Contact', ...nothing, reasons: [], due: false, attempt: 1, ...change };
}

/** Lambdas of a sweep in which one list shows 300 records that are as they should be, and nothing was deleted. */
function tasks(change: Tasks = {}): Tasks {
  return {
    CompareRows: () => ({ marked: 0, left: 'nothing', records: false }),
    OpenSweep: ({ full }) => ({ startedAt: STARTED_AT, full, ...(full ? {} : { from: FROM }) }),
    ListRecords: ({ what, part }) => (what === 'records' ? { listed: 300, listKey: `list-${part}` } : { listed: 0 }),
    CompareLinks: () => ({ compared: 300, batches: [] }),
    CloseSweep: () => null,
    ReadSalesforce: ({ recordsKey }) => ({ versionsKey: `versions-of-${recordsKey}`, readAt: READ_AT, records: 1 }),
    ApplyRecords: () => applied({ inserted: 1 }),
    ...change,
  };
}

/** Finds these batches in the first list. */
function finding(...batches: readonly { recordsKey: string; again: boolean }[]): NonNullable<Tasks['CompareLinks']> {
  return (input) => ({ compared: 300, batches: input.with === 'records' && input.part === 1 ? [...batches] : [] });
}
const batch = (recordsKey: string, again = false) => ({ recordsKey, again });

const count = (list: readonly string[], name: string) => list.filter((each) => each === name).length;

describe('a sweep that finds nothing', () => {
  test('lists the window and the delete log, compares, and notifies of nothing', async () => {
    const machine = new PipelineMachine('sweep', tasks());
    const ended = await machine.run(INPUT);
    const counts = { inserted: 0, updated: 0, deleted: 0, unchanged: 0, rejected: 0, conflicts: 0 };
    expect(ended).toMatchObject({
      status: 'SUCCEEDED',
      output: {
        object: 'Contact',
        full: false,
        complete: true,
        compared: 300,
        ...counts,
        reasons: [],
        due: false,
        alsoDue: [],
      },
    });
    const execution = machine.executionArn.split(':').at(-1) ?? '';
    const at = { object: 'Contact', execution };
    expect(machine.inputsOf('OpenSweep')).toEqual([{ ...at, full: false }]);
    expect(machine.inputsOf('ListRecords')).toEqual([
      { what: 'records', ...at, part: 1, from: FROM },
      { what: 'deleted', ...at, part: 2, from: FROM },
    ]);
    expect(machine.inputsOf('CompareLinks')).toEqual([
      { with: 'records', ...at, part: 1, startedAt: STARTED_AT, polledUntil: 0, full: false, listKey: 'list-1' },
    ]);
    expect(machine.inputsOf('CloseSweep')).toEqual([
      { ...at, full: false, startedAt: STARTED_AT, complete: true, compared: 300, ...counts },
    ]);
    expect(machine.inputsOf('Notify')).toEqual([]);
    expect(machine.busEvents).toEqual([]);
  });

  test('is a sweep of the window also where its input does not say whether it is a full one', async () => {
    const machine = new PipelineMachine('sweep', tasks());
    expect(await machine.run({ object: 'Contact' })).toMatchObject({ status: 'SUCCEEDED', output: { full: false } });
  });

  test('compares nothing where nothing is listed', async () => {
    const machine = new PipelineMachine('sweep', tasks({ ListRecords: () => ({ listed: 0 }) }));
    expect(await machine.run(INPUT)).toMatchObject({ status: 'SUCCEEDED', output: { compared: 0, complete: true } });
    expect(machine.inputsOf('CompareLinks')).toEqual([]);
  });
});

describe('a comparison that is due', () => {
  type Compared = Awaited<ReturnType<NonNullable<Tasks['CompareRows']>>>;
  const report = { reasons: ['slot made anew'], looked: 5000, marked: 3, faults: [] };
  const parts = (...answers: readonly Partial<Compared>[]) => {
    const left = [...answers];
    return tasks({ CompareRows: () => ({ marked: 0, left: 'nothing', records: false, ...left.shift() }) });
  };
  const DUE = { object: 'Contact', comparison: true };

  test('is worked off part by part; what it finds goes at once, and why and how much is notified once', async () => {
    const machine = new PipelineMachine('sweep', parts({ marked: 2, left: 'more' }, { marked: 1, report }));
    const ended = await machine.run(DUE);
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(machine.inputsOf('CompareRows')).toHaveLength(2);
    expect(machine.busEvents).toHaveLength(2);
    expect(machine.busEvents[0]).toMatchObject({ DetailType: 'Changes available' });
    const execution = machine.executionArn;
    expect(machine.inputsOf('Notify')).toEqual([{ about: 'comparison', object: 'Contact', execution, ...report }]);
    expect(ended.states).not.toContain('Open sweep');
  });

  test('waits for older transactions, for five minutes', async () => {
    const older = { left: 'older transactions' } as const;
    const machine = new PipelineMachine('sweep', parts(older, older, { marked: 1, report }));
    expect((await machine.run(DUE)).states.filter((state) => state === 'Wait for older transactions')).toHaveLength(2);
    const waiting = new PipelineMachine('sweep', parts(...Array.from({ length: 100 }, () => older)));
    expect(await waiting.run(DUE)).toMatchObject({ status: 'SUCCEEDED' });
    expect(waiting.inputsOf('CompareRows')).toHaveLength(60);
  });

  test('precedes every sweep, and is followed by one where it covers the records', async () => {
    const machine = new PipelineMachine('sweep', parts({ records: true, report }));
    expect((await machine.run(DUE)).states).toContain('Open sweep');
    const scheduled = new PipelineMachine('sweep', parts({ marked: 1, report }));
    expect((await scheduled.run(INPUT)).states).toContain('Open sweep');
    expect(scheduled.inputsOf('Notify')).toMatchObject([{ about: 'comparison' }]);
  });
});

describe('up to where the inbound flow has looked', () => {
  const run = (executionStatus: FlowRun['executionStatus'], startedAt: number, dataPullEndTime?: number): FlowRun => ({
    executionId: `run-${startedAt}`,
    executionStatus,
    startedAt,
    ...(dataPullEndTime === undefined ? {} : { dataPullEndTime }),
  });
  test.for<[string, readonly FlowRun[], number]>([
    ['is not known before it has run', [], 0],
    ['is not known after one run, whose file may be at work', [run('Successful', 100, 90)], 0],
    [
      'is the end of the window of the last run but one',
      [run('Successful', 200, 190), run('Successful', 100, 90)],
      90_000,
    ],
    [
      'is when that run began, where AppFlow answers no window',
      [run('Successful', 200), run('Successful', 100)],
      100_000,
    ],
    [
      'leaves out runs that have not succeeded, in whatever order they are listed',
      [
        run('Successful', 100, 90),
        run('Error', 500, 490),
        run('Successful', 300, 290),
        run('InProgress', 600, 590),
        run('Successful', 200, 190),
      ],
      190_000,
    ],
  ])('%s', async ([, runs, expected]) => {
    const asked: string[] = [];
    const records = (flowName: string) => {
      asked.push(flowName);
      return runs;
    };
    const machine = new PipelineMachine('sweep', tasks(), { records });
    expect(await machine.run(INPUT)).toMatchObject({ status: 'SUCCEEDED' });
    expect(asked).toEqual(['polls-of-Contact']);
    expect(machine.inputsOf('CompareLinks')).toMatchObject([{ polledUntil: expected }]);
  });

  test('is not known while AppFlow is away, which holds up no sweep', async () => {
    const machine = new PipelineMachine('sweep', tasks(), {
      records: () => {
        throw new AwsError('InternalServerException', 'away');
      },
    });
    const ended = await machine.run(INPUT);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { complete: true } });
    expect(machine.inputsOf('CompareLinks')).toMatchObject([{ polledUntil: 0 }]);
  });
});

describe('what is listed', () => {
  test('comes part by part, and each part is compared before the next is listed', async () => {
    const listed = [{ locator: 'a' }, { locator: 'b' }, {}];
    const machine = new PipelineMachine(
      'sweep',
      tasks({
        ListRecords: ({ what, part }) =>
          what === 'deleted'
            ? { listed: 2, listKey: 'log' }
            : { listed: 9, listKey: `list-${part}`, ...listed[part - 1] },
      }),
    );
    expect(await machine.run(INPUT)).toMatchObject({ status: 'SUCCEEDED', output: { compared: 1200 } });
    expect(machine.inputsOf('ListRecords').map((input) => ('locator' in input ? input.locator : input.what))).toEqual([
      'records',
      'a',
      'b',
      'deleted',
    ]);
    expect(machine.inputsOf('CompareLinks')).toMatchObject([
      { with: 'records', part: 1, listKey: 'list-1' },
      { with: 'records', part: 2, listKey: 'list-2' },
      { with: 'records', part: 3, listKey: 'list-3' },
      { with: 'deleted', part: 4, listKey: 'log' },
    ]);
    expect(machine.calls.map(({ task }) => task).slice(2, 6)).toEqual([
      'ListRecords',
      'CompareLinks',
      'ListRecords',
      'CompareLinks',
    ]);
  });

  test('in a full sweep is everything, and then links are compared with what was not listed', async () => {
    const machine = new PipelineMachine(
      'sweep',
      tasks({
        CompareLinks: (input) =>
          input.with === 'unlisted' && input.after === undefined
            ? { compared: 5, batches: [batch('unlisted')], after: '003' }
            : { compared: 5, batches: [] },
      }),
    );
    expect(await machine.run(FULL)).toMatchObject({ status: 'SUCCEEDED', output: { full: true, compared: 15 } });
    expect(machine.inputsOf('ListRecords').every((input) => input.from === undefined)).toBe(true);
    expect(machine.inputsOf('CompareLinks')).toMatchObject([
      { with: 'records', part: 1, full: true },
      { with: 'unlisted', part: 3 },
      { with: 'unlisted', part: 4, after: '003' },
    ]);
    expect(machine.inputsOf('ReadSalesforce')).toMatchObject([{ recordsKey: 'unlisted' }]);
    expect(machine.inputsOf('CloseSweep')).toMatchObject([{ full: true, complete: true }]);
  });
});

describe('what was missed', () => {
  test('is read and applied batch by batch, summed up and notified once', async () => {
    const outcomes: Readonly<Record<string, Partial<Applied>>> = {
      a: { inserted: 3, rejected: 1, reasons: [{ code: '23514', field: 'Phone', count: 1 }] },
      b: { updated: 2, deleted: 1, conflicts: 1, rejected: 2, reasons: [{ code: '23514', field: 'Phone', count: 2 }] },
    };
    const machine = new PipelineMachine(
      'sweep',
      tasks({
        CompareLinks: finding(batch('a'), batch('b')),
        ApplyRecords: (input) => applied(outcomes[input.from === 'reread' ? (input.versionsKey.at(-1) ?? '') : '']),
      }),
    );
    const counts = { inserted: 3, updated: 2, deleted: 1, unchanged: 0, rejected: 3, conflicts: 1 };
    expect(await machine.run(INPUT)).toMatchObject({ status: 'SUCCEEDED', output: { complete: true, ...counts } });
    expect(machine.inputsOf('ApplyRecords')).toMatchObject([
      { from: 'reread', versionsKey: 'versions-of-a', readAt: READ_AT, source: 'sweep', attempt: 1 },
      { from: 'reread', versionsKey: 'versions-of-b', readAt: READ_AT, source: 'sweep', attempt: 1 },
    ]);
    expect(machine.inputsOf('CloseSweep')).toMatchObject([counts]);
    const { unchanged: _, ...notified } = counts;
    expect(machine.inputsOf('Notify')).toEqual([
      {
        about: 'sweep',
        object: 'Contact',
        execution: machine.executionArn,
        full: false,
        ...notified,
        reasons: [{ code: '23514', field: 'Phone', count: 3 }],
      },
    ]);
  });

  test.for<[string, Partial<Applied>, boolean]>([
    ['and is as it should be is not notified', { unchanged: 1 }, false],
    ['and is a conflict only is notified', { unchanged: 1, conflicts: 1 }, true],
    ['and is rejected is notified', { rejected: 1, reasons: [{ code: 'NOT_VISIBLE', count: 1 }] }, true],
  ])('%s', async ([, outcome, notified]) => {
    const change = { CompareLinks: finding(batch('a')), ApplyRecords: () => applied(outcome) };
    const machine = new PipelineMachine('sweep', tasks(change));
    expect(await machine.run(INPUT)).toMatchObject({ status: 'SUCCEEDED' });
    expect(machine.inputsOf('Notify')).toHaveLength(notified ? 1 : 0);
  });

  test('rejects that were notified before are tried again, and notified only when that has helped', async () => {
    const again = (outcome: Partial<Applied>) => {
      const change = { CompareLinks: finding(batch('a', true)), ApplyRecords: () => applied(outcome) };
      return new PipelineMachine('sweep', tasks(change));
    };
    const inVain = again({ rejected: 2, reasons: [{ code: '23514', count: 2 }] });
    expect(await inVain.run(INPUT)).toMatchObject({ status: 'SUCCEEDED', output: { rejected: 0, reasons: [] } });
    expect(inVain.inputsOf('Notify')).toEqual([]);
    const helped = again({ inserted: 1, rejected: 1, reasons: [{ code: '23514', count: 1 }] });
    await helped.run(INPUT);
    expect(helped.inputsOf('Notify')).toMatchObject([{ inserted: 1, rejected: 0, reasons: [] }]);
    // What is notified once is notified by the execution that sees it first.
    const drift = { code: 'FIELD_TYPE_CHANGED', field: 'Amount', count: 1, change: 'is a string' };
    const drifted = again({ rejected: 1, reasons: [{ code: '23514', count: 1 }, drift] });
    await drifted.run(INPUT);
    expect(drifted.inputsOf('Notify')).toMatchObject([{ rejected: 0, reasons: [drift] }]);
  });

  test('is read again where the link has changed since the read, three times', async () => {
    const machine = new PipelineMachine(
      'sweep',
      tasks({
        CompareLinks: finding(batch('a')),
        ApplyRecords: (input) => {
          const attempt = input.from === 'reread' ? input.attempt : 0;
          return applied({ attempt, updated: 1, rereadKey: `reread-${attempt}` });
        },
      }),
    );
    expect(await machine.run(INPUT)).toMatchObject({ status: 'SUCCEEDED', output: { updated: 3, complete: true } });
    expect(machine.inputsOf('ReadSalesforce').map(({ recordsKey }) => recordsKey)).toEqual([
      'a',
      'reread-1',
      'reread-2',
    ]);
    expect(machine.inputsOf('ApplyRecords').map((input) => input.from === 'reread' && input.attempt)).toEqual([
      1, 2, 3,
    ]);
  });

  test('and differs from the row makes changes available', async () => {
    const machine = new PipelineMachine(
      'sweep',
      tasks({ CompareLinks: finding(batch('a')), ApplyRecords: () => applied({ conflicts: 1, due: true }) }),
    );
    expect(await machine.run(INPUT)).toMatchObject({ status: 'SUCCEEDED' });
    expect(machine.busEvents).toMatchObject([
      { Source: 'sfsync', DetailType: 'Changes available', Detail: JSON.stringify({ object: 'Contact' }) },
    ]);
  });

  test('and gives children of other objects their parent makes their changes available, once each', async () => {
    const machine = new PipelineMachine(
      'sweep',
      tasks({
        CompareLinks: finding(batch('a'), batch('b')),
        ApplyRecords: () => applied({ alsoDue: ['Case', 'Opportunity'] }),
      }),
    );
    expect(await machine.run(INPUT)).toMatchObject({ status: 'SUCCEEDED' });
    expect(machine.busEvents).toMatchObject([{ Detail: '{"object":"Case"}' }, { Detail: '{"object":"Opportunity"}' }]);
  });
});

describe('Salesforce away', () => {
  const away = () => {
    throw taskError('RetryableError', 'Salesforce answered ECONNREFUSED.');
  };

  test('while listing leaves the rest to the next sweep, after some tries', async () => {
    const machine = new PipelineMachine('sweep', tasks({ ListRecords: away }));
    expect(await machine.run(INPUT)).toMatchObject({ status: 'SUCCEEDED', output: { complete: false, compared: 0 } });
    expect(machine.inputsOf('ListRecords')).toHaveLength(4);
    expect(machine.inputsOf('CloseSweep')).toMatchObject([{ complete: false }]);
    expect(machine.inputsOf('Notify')).toEqual([]);
  });

  test('while reading does so, too; what was found until then is notified', async () => {
    const read = tasks().ReadSalesforce;
    const machine = new PipelineMachine(
      'sweep',
      tasks({
        CompareLinks: finding(batch('a'), batch('b')),
        ReadSalesforce: (input) => (input.recordsKey === 'b' ? away() : read?.(input)) as never,
      }),
    );
    const ended = await machine.run(INPUT);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { complete: false, inserted: 1 } });
    expect(machine.inputsOf('ListRecords')).toHaveLength(1);
    expect(machine.inputsOf('Notify')).toMatchObject([{ inserted: 1 }]);
  });
});

describe('a database that is away', () => {
  test.for(['OpenSweep', 'CompareLinks', 'ApplyRecords', 'CloseSweep'] as const)(
    'fails the execution in the state of %s, from where a redrive goes on',
    async (task) => {
      const works = tasks({ CompareLinks: finding(batch('a')) });
      const machine = new PipelineMachine('sweep', {
        ...works,
        [task]: () => {
          throw taskError('RetryableError');
        },
      });
      expect(await machine.run(INPUT)).toMatchObject({ status: 'FAILED', error: 'RetryableError' });
      machine.tasks = works;
      expect(await machine.redrive()).toMatchObject({ status: 'SUCCEEDED', output: { inserted: 1, complete: true } });
      expect(machine.inputsOf('Notify')).toHaveLength(1);
    },
  );
});

describe('an execution stays far below 25,000 events', () => {
  test('with ten million records in 100 parts', async () => {
    const more = ({ what, part }: TaskInput<'ListRecords'>) =>
      what === 'deleted' ? { listed: 0 } : { listed: 100_000, listKey: 'l', ...(part < 100 && { locator: `${part}` }) };
    const machine = new PipelineMachine('sweep', tasks({ ListRecords: more }));
    const ended = await machine.run(FULL);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { complete: true } });
    expect(ended.events).toBeLessThan(3000);
  });

  test('with a million records to read; what is more is left to the next sweep', async () => {
    const parts = Array.from({ length: 10 }, (_, i) => batch(`${i}`));
    const machine = new PipelineMachine(
      'sweep',
      tasks({
        ListRecords: ({ part }) => ({ listed: 100_000, listKey: 'l', locator: `${part}` }),
        CompareLinks: () => ({ compared: 100_000, batches: parts }),
      }),
    );
    const ended = await machine.run(FULL);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { complete: false, inserted: 100 } });
    expect(count(ended.states, 'Apply records')).toBe(100);
    expect(machine.inputsOf('CloseSweep')).toMatchObject([{ complete: false, inserted: 100 }]);
    expect(ended.events).toBeLessThan(4000);
  });
});

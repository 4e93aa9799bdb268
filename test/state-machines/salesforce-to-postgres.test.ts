import { describe, expect, test } from 'vitest';
import { AwsError } from '../../packages/embedded-aws/service.ts';
import { PipelineMachine, type TaskInput, type Tasks, taskError } from './pipeline.ts';

const FILE = {
  bucket: 'bucket',
  key: 'salesforce/Contact/flow/run/file',
  size: 3000,
  putAt: '2026-03-01T12:00:00Z',
};
const READ_AT = '2026-03-01T12:00:05.000Z';
const RANGES = [
  { start: 0, end: 1000, firstLine: 1 },
  { start: 1000, end: 2000, firstLine: 11 },
  { start: 2000, end: 3000, firstLine: 21 },
];

function applied(change: Partial<Applied> = {}): Applied {
  const nothing = { inserted: 0, updated: 0, deleted: 0, unchanged: 0, rejected: 0, conflicts: 0 };
  return { object: 'Contact', ...nothing, reasons: [], due: false, attempt: 0, ...change };
}
type Applied = Awaited<ReturnType<NonNullable<Tasks['ApplyRecords']>>>;

/** Lambdas for a file of three ranges in which every record is an update. */
function tasks(change: Tasks = {}): Tasks {
  return {
    ValidateFile: () => ({ object: 'Contact', ranges: RANGES }),
    MapRecords: ({ range }) => ({ mappedKey: `mapped-${range.start}`, records: 10, rejected: 0 }),
    ApplyRecords: () => applied({ updated: 10 }),
    ReadSalesforce: ({ recordsKey }) => ({ versionsKey: `versions-of-${recordsKey}`, readAt: READ_AT, records: 1 }),
    ...change,
  };
}

/** Asks for a re-read in the first `times` answers of each range. */
function rereading(times: number): NonNullable<Tasks['ApplyRecords']> {
  return (input) => {
    const attempt = input.from === 'file' ? 0 : input.attempt;
    return applied({ attempt, updated: 1, ...(attempt < times && { rereadKey: `reread-${attempt + 1}` }) });
  };
}

const count = (list: readonly string[], name: string) => list.filter((each) => each === name).length;

describe('a file', () => {
  test('is validated, and its ranges are mapped and applied', async () => {
    const machine = new PipelineMachine('salesforce-to-postgres', tasks());
    const ended = await machine.run(FILE);
    expect(ended).toMatchObject({
      status: 'SUCCEEDED',
      output: { object: 'Contact', key: FILE.key, updated: 30, inserted: 0, rejected: 0, due: false, reasons: [] },
    });
    expect(machine.inputsOf('ValidateFile')).toEqual([{ bucket: FILE.bucket, key: FILE.key, size: FILE.size }]);
    const [, execution = ''] = /([^:]+)$/.exec(machine.executionArn) ?? [];
    expect(machine.inputsOf('MapRecords')).toEqual(
      RANGES.map((range) => ({ bucket: FILE.bucket, key: FILE.key, object: 'Contact', range, execution })),
    );
    expect(machine.inputsOf('ApplyRecords')).toEqual(
      RANGES.map(({ start }) => ({
        from: 'file',
        object: 'Contact',
        mappedKey: `mapped-${start}`,
        source: FILE.key,
        putAt: FILE.putAt,
        execution,
        waits: 0,
      })),
    );
    expect(machine.inputsOf('Notify')).toEqual([]);
    expect(machine.busEvents).toEqual([]);
  });

  test('of which something is left is applied in several calls, with growing pauses while its table is locked', async () => {
    const answers: Partial<Applied>[] = [
      { updated: 1, restKey: 'rest-1', waits: 0 },
      { updated: 2, restKey: 'rest-2', waits: 1 },
      { restKey: 'rest-2', waits: 2, rereadKey: 'reread-1' },
      { updated: 4, attempt: 1 },
      { updated: 3, rejected: 1, reasons: [{ code: '23514', count: 1 }] },
    ];
    const machine = new PipelineMachine(
      'salesforce-to-postgres',
      tasks({
        ValidateFile: () => ({ object: 'Contact', ranges: [{ start: 0, end: 10 }] }),
        ApplyRecords: () => applied(answers.shift()),
      }),
    );
    expect(await machine.run(FILE)).toMatchObject({
      status: 'SUCCEEDED',
      output: { updated: 10, rejected: 1, reasons: [{ code: '23514', count: 1 }] },
    });
    const calls = machine
      .inputsOf('ApplyRecords')
      .map((input) => (input.from === 'file' ? [input.mappedKey, input.waits] : input.attempt));
    expect(calls).toEqual([['mapped-0', 0], ['rest-1', 0], ['rest-2', 1], 1, ['rest-2', 2]]);
  });

  test('whose table stays locked is notified once, after minutes', async () => {
    let calls = 0;
    const ApplyRecords = () => applied(++calls < 12 ? { restKey: 'rest', waits: calls } : {});
    const ValidateFile = () => ({ object: 'Contact', ranges: [{ start: 0, end: 10 }] });
    const machine = new PipelineMachine('salesforce-to-postgres', tasks({ ValidateFile, ApplyRecords }));
    expect(await machine.run(FILE)).toMatchObject({ status: 'SUCCEEDED' });
    expect(machine.inputsOf('Notify')).toEqual([
      { about: 'table locked', object: 'Contact', execution: machine.executionArn },
    ]);
    expect(machine.inputsOf('ApplyRecords')).toHaveLength(12);
  });

  test('of one range goes the same way', async () => {
    const machine = new PipelineMachine(
      'salesforce-to-postgres',
      tasks({ ValidateFile: () => ({ object: 'Contact', ranges: [{ start: 0, end: 10 }] }) }),
    );
    expect(await machine.run(FILE)).toMatchObject({ status: 'SUCCEEDED', output: { updated: 10 } });
  });

  test('without records ends well, and nothing is applied', async () => {
    const machine = new PipelineMachine(
      'salesforce-to-postgres',
      tasks({ ValidateFile: () => ({ object: 'Contact', ranges: [] }) }),
    );
    const ended = await machine.run({ ...FILE, size: 0 });
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { object: 'Contact', records: 0 } });
    expect(ended.states.at(-1)).toBe('Nothing in the file');
    expect(machine.inputsOf('MapRecords')).toEqual([]);
  });

  test('that is none fails at once, in the state that says why', async () => {
    const refuse = () => {
      throw taskError('ConfigurationError', 'not one readable record');
    };
    const machine = new PipelineMachine('salesforce-to-postgres', tasks({ ValidateFile: refuse }));
    const ended = await machine.run(FILE);
    expect(ended).toMatchObject({ status: 'FAILED', error: 'ConfigurationError' });
    expect(machine.inputsOf('ValidateFile')).toHaveLength(1);
  });
});

describe('a version whose order is in doubt', () => {
  const oneRange = { ValidateFile: () => ({ object: 'Contact', ranges: RANGES.slice(0, 1) }) };

  test('is read again from Salesforce and applied in the same execution', async () => {
    const machine = new PipelineMachine('salesforce-to-postgres', tasks({ ...oneRange, ApplyRecords: rereading(1) }));
    const ended = await machine.run(FILE);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { updated: 2, due: false } });
    expect(machine.inputsOf('ReadSalesforce')).toMatchObject([{ object: 'Contact', recordsKey: 'reread-1' }]);
    expect(machine.inputsOf('ApplyRecords')[1]).toMatchObject({
      from: 'reread',
      versionsKey: 'versions-of-reread-1',
      readAt: READ_AT,
      source: FILE.key,
      attempt: 1,
    });
  });

  test('is left due after three reads', async () => {
    const machine = new PipelineMachine('salesforce-to-postgres', tasks({ ...oneRange, ApplyRecords: rereading(9) }));
    const ended = await machine.run(FILE);
    expect(count(ended.states, 'Read Salesforce')).toBe(3);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { updated: 4, due: true } });
    expect(machine.busEvents).toMatchObject([{ Source: 'sfsync', DetailType: 'Changes available' }]);
  });

  test('is left due when Salesforce is away, without failing the file', async () => {
    const away = () => {
      throw taskError('RetryableError');
    };
    const machine = new PipelineMachine(
      'salesforce-to-postgres',
      tasks({ ...oneRange, ApplyRecords: rereading(1), ReadSalesforce: away }),
    );
    const ended = await machine.run(FILE);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { updated: 1, due: true } });
    expect(machine.inputsOf('ReadSalesforce')).toHaveLength(4);
  });

  test('fails the file when the read meets a bug', async () => {
    const bug = () => {
      throw taskError('InvariantError');
    };
    const machine = new PipelineMachine(
      'salesforce-to-postgres',
      tasks({ ...oneRange, ApplyRecords: rereading(1), ReadSalesforce: bug }),
    );
    expect(await machine.run(FILE)).toMatchObject({ status: 'FAILED', error: 'InvariantError' });
  });
});

describe('what is notified', () => {
  test('rejects and conflicts of all ranges, equal reasons summed up, the most frequent first', async () => {
    const answers: Record<string, Partial<Applied>> = {
      'mapped-0': {
        rejected: 2,
        reasons: [
          { code: '23505', count: 1 },
          { code: 'UNREADABLE_VALUE', field: 'Email', count: 1 },
        ],
      },
      'mapped-1000': { rejected: 4, conflicts: 1, reasons: [{ code: 'UNREADABLE_VALUE', field: 'Email', count: 4 }] },
      'mapped-2000': {},
    };
    const apply = (input: TaskInput<'ApplyRecords'>) => applied(input.from === 'file' ? answers[input.mappedKey] : {});
    const machine = new PipelineMachine('salesforce-to-postgres', tasks({ ApplyRecords: apply }));
    expect(await machine.run(FILE)).toMatchObject({ status: 'SUCCEEDED' });
    expect(machine.inputsOf('Notify')).toEqual([
      {
        about: 'file',
        object: 'Contact',
        key: FILE.key,
        execution: machine.executionArn,
        rejected: 6,
        conflicts: 1,
        reasons: [
          { code: 'UNREADABLE_VALUE', field: 'Email', count: 5 },
          { code: '23505', count: 1 },
        ],
      },
    ]);
  });

  test('a link that became due is announced for its object, also when the bus refuses at first', async () => {
    const machine = new PipelineMachine(
      'salesforce-to-postgres',
      tasks({ ApplyRecords: () => applied({ due: true }) }),
    );
    machine.failingPuts = 2;
    expect(await machine.run(FILE)).toMatchObject({ status: 'SUCCEEDED', output: { due: true } });
    expect(machine.busEvents).toEqual([
      expect.objectContaining({ Source: 'sfsync', DetailType: 'Changes available', Detail: '{"object":"Contact"}' }),
    ]);
  });

  test('links of other objects that became due are announced once each, with or without its own', async () => {
    const announcedWith = async (due: boolean) => {
      const machine = new PipelineMachine(
        'salesforce-to-postgres',
        tasks({ ApplyRecords: () => applied({ due, alsoDue: ['Case', 'Opportunity'] }) }),
      );
      expect(await machine.run(FILE)).toMatchObject({ status: 'SUCCEEDED' });
      return machine.busEvents;
    };
    const events = (...objects: string[]) =>
      objects.map((object) => expect.objectContaining({ Source: 'sfsync', Detail: JSON.stringify({ object }) }));
    expect(await announcedWith(false)).toEqual(events('Case', 'Opportunity'));
    expect(await announcedWith(true)).toEqual(events('Contact', 'Case', 'Opportunity'));
  });
});

describe('the surroundings', () => {
  test('a database that is away is waited for; then the execution fails where it was, and a redrive goes on there', async () => {
    let away = true;
    const apply = (input: TaskInput<'ApplyRecords'>) => {
      if (away && input.from === 'file' && input.mappedKey === 'mapped-1000') throw taskError('RetryableError');
      return applied({ updated: 10 });
    };
    const machine = new PipelineMachine('salesforce-to-postgres', tasks({ ApplyRecords: apply }));
    expect(await machine.run(FILE)).toMatchObject({ status: 'FAILED', error: 'RetryableError' });
    const before = machine.inputsOf('ValidateFile').length;

    away = false;
    expect(await machine.redrive()).toMatchObject({ status: 'SUCCEEDED', output: { updated: 30 } });
    expect(machine.inputsOf('ValidateFile')).toHaveLength(before);
  });

  test('a throttled function is waited for much longer', async () => {
    let throttled = 40;
    const apply = () => {
      if (throttled-- > 0) throw new AwsError('TooManyRequestsException', 'Rate Exceeded.', 429);
      return applied({ updated: 10 });
    };
    const machine = new PipelineMachine('salesforce-to-postgres', tasks({ ApplyRecords: apply }));
    expect(await machine.run(FILE)).toMatchObject({ status: 'SUCCEEDED', output: { updated: 30 } });
  });

  test('a function that hangs is called again', async () => {
    let hanging = true;
    const map = ({ range }: TaskInput<'MapRecords'>) => {
      if (!hanging) return { mappedKey: `mapped-${range.start}`, records: 1, rejected: 0 };
      hanging = false;
      return new Promise<never>(() => undefined);
    };
    const machine = new PipelineMachine('salesforce-to-postgres', tasks({ MapRecords: map }));
    expect(await machine.run(FILE)).toMatchObject({ status: 'SUCCEEDED' });
    expect(machine.inputsOf('MapRecords')).toHaveLength(4);
  });
});

test('250 ranges, each read again three times, stay far below the 25,000 events of a history', async () => {
  const ranges = Array.from({ length: 25 }, (_, i) => ({ start: i * 10, end: i * 10 + 10 }));
  const reasons = Array.from({ length: 40 }, (_, i) => ({ code: `CODE_${i}`, count: 1 }));
  const reread = rereading(9);
  const machine = new PipelineMachine(
    'salesforce-to-postgres',
    tasks({
      ValidateFile: () => ({ object: 'Contact', ranges }),
      ApplyRecords: async (input) => ({ ...(await reread(input)), rejected: 40, reasons }),
    }),
  );
  const ended = await machine.run(FILE);
  expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { rejected: 25 * 4 * 40, reasons: { length: 10 } } });
  expect((ended.events / ranges.length) * 250).toBeLessThan(20_000);
});

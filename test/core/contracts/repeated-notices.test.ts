import { describe, expect, test } from 'vitest';
import { messageOf } from '../../../core/contracts/notice.ts';
import { repeatedCause, type Series, tell } from '../../../core/contracts/repeated-notices.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function failed(change: object = {}) {
  return {
    about: 'failed execution' as const,
    execution: 'arn:aws:states:eu-west-1:000000000000:execution:postgres-to-salesforce:abc',
    stateMachine: 'arn:aws:states:eu-west-1:000000000000:stateMachine:postgres-to-salesforce',
    status: 'FAILED',
    input: '{"object":"Contact","trigger":"schedule"}',
    error: 'ConfigurationError',
    cause: '{"errorType":"ConfigurationError","errorMessage":"Row level security of table borrowers would hide rows."}',
    ...change,
  };
}

const cause = (message: string) => ({ cause: JSON.stringify({ errorMessage: message }) });

describe('failed executions have one cause', () => {
  const same = (one: object, other: object) =>
    JSON.stringify(repeatedCause(failed(one))) === JSON.stringify(repeatedCause(failed(other)));

  test('whatever names one of them', () => {
    expect(same({ execution: 'x:one' }, { execution: 'x:two' })).toBe(true);
    expect(
      same(cause('No file work/0af3-11/a.jsonl after 3 tries'), cause('No file work/77b2-90/a.jsonl after 4 tries')),
    ).toBe(true);
    expect(
      same({ input: '{"key":"salesforce/Account/f/r1/a"}' }, { input: '{"key":"salesforce/Account/f/r2/b"}' }),
    ).toBe(true);
  });

  test.for([
    ['object', { input: '{"object":"Account"}' }],
    ['error', { error: 'InvariantError' }],
    ['message', cause('The lease is gone.')],
    ['SQLSTATE', cause('Row level security 42P01')],
    ['status', { status: 'TIMED_OUT' }],
    ['machine', { stateMachine: 'arn:aws:states:eu-west-1:000000000000:stateMachine:sweep' }],
  ] as const)('and not where the %s is another one', ([, change]) => {
    expect(same({}, change)).toBe(false);
  });
});

test('a cause that comes every five minutes is told in full, then counted at growing intervals; after a quiet time in full again', () => {
  let series: Series | undefined;
  const told: [minutes: number, count: number | undefined][] = [];
  for (let now = HOUR; now <= 25 * HOUR; now += 5 * MINUTE) {
    const telling = tell(series, now);
    series = telling.series;
    if (telling.isTold) told.push([(now - HOUR) / MINUTE, telling.repeats?.count]);
  }
  expect(told).toEqual([
    [0, undefined],
    [15, 3],
    [75, 12],
    [315, 48],
    [1275, 192],
  ]);
  expect(tell(series, 30 * HOUR).isTold).toBe(false);
  expect(tell(series, 32 * HOUR)).toMatchObject({ isTold: true, repeats: undefined });
});

test('the message says how many there were, and shows the last one', () => {
  const { subject, text } = messageOf(failed(), { count: 12, toldAt: 15 * MINUTE, since: 0 });
  expect(subject).toBe('sfsync: Contact: postgres-to-salesforce FAILED, 12 more');
  expect(text).toContain(
    '12 more executions failed for the same reason since 1970-01-01 00:15 UTC, the first at 1970-01-01 00:00 UTC. This is the last one:\nExecution abc of',
  );
});

test('each other notice is told', () => {
  const execution = 'arn:x:abc';
  expect(repeatedCause({ about: 'deletes held', object: 'Contact', execution, records: 1 })).toBeUndefined();
});

import { expect, test } from 'vitest';
import { type DescribedExecution, executionLine } from '../../../local/terminal/execution-line.ts';

const INBOUND = JSON.stringify({ bucket: 'b', key: 'salesforce/Contact/flow/run/file', size: 9, putAt: '2026-01-01' });

function execution(changes: Partial<DescribedExecution>): DescribedExecution {
  return { name: 'run', status: 'SUCCEEDED', startDate: 100, stopDate: 101.5, input: INBOUND, ...changes };
}

function inbound(changes: Partial<DescribedExecution>, everything = false) {
  return executionLine('salesforce-to-postgres', execution(changes), 5, everything);
}

test('counts that are not zero are shown, with the object and how long it took', () => {
  const output = JSON.stringify({ object: 'Contact', inserted: 2, updated: 0, deleted: 1, unchanged: 4, rejected: 0 });
  expect(inbound({ output })).toEqual({
    at: 5,
    direction: 'salesforce-to-postgres',
    object: 'Contact',
    what: 'execution',
    detail: '2 inserted, 1 deleted, 4 unchanged',
    durationMs: 1_500,
    tone: 'good',
  });
});

test('rejects and conflicts are a warning', () => {
  expect(inbound({ output: JSON.stringify({ rejected: 1 }) })).toMatchObject({ detail: '1 rejected', tone: 'warning' });
  expect(inbound({ output: JSON.stringify({ conflicts: 2, updated: 1 }) })).toMatchObject({ tone: 'warning' });
});

test('what moved nothing is shown only when everything is', () => {
  const output = JSON.stringify({ object: 'Contact', unchanged: 4 });
  expect(inbound({ output })).toBeUndefined();
  expect(inbound({ output }, true)).toMatchObject({ detail: '4 unchanged' });
});

test('a sweep is shown when it found something, or did not come to its end', () => {
  const sweep = (output: object, everything = false) =>
    inbound({ input: '{"object":"Contact","full":false}', output: JSON.stringify(output) }, everything);
  const nothing = {
    object: 'Contact',
    full: false,
    complete: true,
    compared: 300,
    inserted: 0,
    updated: 0,
    deleted: 0,
  };
  expect(sweep(nothing)).toBeUndefined();
  expect(sweep(nothing, true)).toMatchObject({ what: 'sweep', detail: 'nothing to do', tone: 'good' });
  expect(sweep({ ...nothing, inserted: 2 })).toMatchObject({ object: 'Contact', what: 'sweep', detail: '2 inserted' });
  expect(sweep({ ...nothing, updated: 1, complete: false })).toMatchObject({
    detail: '1 updated, not complete',
    tone: 'warning',
  });
});

test.each([
  [
    { batches: 1, reason: 'nothing due' },
    { detail: '1 batch, nothing due', tone: 'good' },
  ],
  [
    { batches: 2, reason: 'handed over' },
    { detail: '2 batches, handed over', tone: 'good' },
  ],
  [
    { batches: 0, reason: 'circuit open' },
    { detail: '0 batches, circuit open', tone: 'warning' },
  ],
  [{ batches: 0, reason: 'nothing due' }, undefined],
])('outbound %j', (output, expected) => {
  const ended = execution({ input: '{"object":"Contact","trigger":"changes"}', output: JSON.stringify(output) });
  const line = executionLine('postgres-to-salesforce', ended, 5, false);
  if (expected === undefined) expect(line).toBeUndefined();
  else expect(line).toMatchObject({ object: 'Contact', ...expected });
});

test.each([
  [
    'a Lambda error',
    JSON.stringify({ errorMessage: 'no line of it is JSON\nat line 1' }),
    'Fault: no line of it is JSON',
  ],
  ['a plain text', 'stopped by hand', 'Fault: stopped by hand'],
])('a failure is shown with its cause: %s', (_what, cause, detail) => {
  expect(inbound({ status: 'FAILED', error: 'Fault', cause })).toMatchObject({
    object: 'Contact',
    what: 'execution failed',
    detail,
    tone: 'bad',
  });
});

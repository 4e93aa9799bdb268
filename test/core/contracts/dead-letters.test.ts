import { describe, expect, test } from 'vitest';
import {
  type ExecutionState,
  parseFailedExecution,
  redriveByItself,
  redriveOfEvent,
  redriveOfExecution,
} from '../../../core/contracts/dead-letters.ts';

const NOW = new Date('2026-12-01T12:00:00Z');
const minutesAgo = (minutes: number) => new Date(NOW.getTime() - minutes * 60_000);
const FAILED: ExecutionState = {
  ...{ status: 'FAILED', input: '{}', redrivable: true, obstacle: undefined },
  ...{ error: 'RetryableError', redrives: 0, endedAt: minutesAgo(6) },
};
const OLD: ExecutionState = { ...FAILED, redrivable: false, obstacle: 'It is too old.' };

describe('a failed execution', () => {
  test.each<[string, ExecutionState | undefined, boolean, object]>([
    ['that can be redriven is', FAILED, false, { action: 'redrive' }],
    ['that can be redriven is not started again instead', FAILED, true, { action: 'redrive' }],
    ['that has succeeded is forgotten', { ...OLD, status: 'SUCCEEDED' }, true, { action: 'forget' }],
    ['that runs is forgotten', { ...OLD, status: 'RUNNING' }, true, { action: 'forget' }],
    ['that is about to run is forgotten', { ...OLD, status: 'PENDING_REDRIVE' }, true, { action: 'forget' }],
    ['that Step Functions does not know is forgotten', undefined, true, { action: 'forget' }],
    [
      'of a file that is too old is kept',
      OLD,
      false,
      { action: 'keep', why: expect.stringContaining('too old; --again') },
    ],
    ['of a file that is too old is started again when asked to', OLD, true, { action: 'start again' }],
  ])('%s', (_, state, again, expected) => {
    expect(redriveOfExecution('salesforce-to-postgres', state, again)).toMatchObject(expected);
  });

  test('of an object that is too old is left to the next one, which is called', () => {
    const input = '{"object": "Contact", "trigger": "schedule"}';
    const redrive = redriveOfExecution('postgres-to-salesforce', { ...OLD, input }, false);
    expect(redrive).toMatchObject({ action: 'forget', announce: 'Contact' });
    expect(redriveOfExecution('postgres-to-salesforce', OLD, true)).toMatchObject({ announce: undefined });
  });

  test.each<[string, Partial<ExecutionState> | undefined, string | undefined]>([
    ['of a database that was away is redriven', {}, 'redrive'],
    ['of throttled Lambdas, too', { error: 'Lambda.TooManyRequestsException' }, 'redrive'],
    ['of an AWS that was slow, too', { error: 'States.Timeout' }, 'redrive'],
    ['a few times', { redrives: 4 }, 'redrive'],
    ['and no more', { redrives: 5 }, undefined],
    ['not at once', { endedAt: minutesAgo(4) }, undefined],
    ['of the configuration is an operator’s', { error: 'ConfigurationError' }, undefined],
    ['of a bug, too', { error: 'InvariantError' }, undefined],
    ['of a file that is too old, too', { redrivable: false, obstacle: 'It is too old.' }, undefined],
    ['that somebody has stopped, too', { status: 'ABORTED', error: undefined }, undefined],
    ['that has succeeded since is forgotten', { status: 'SUCCEEDED', redrivable: false }, 'forget'],
    ['that is at work again, too', { status: 'RUNNING', redrivable: false, endedAt: undefined }, 'forget'],
    ['that Step Functions does not know is an operator’s', undefined, undefined],
  ])('by itself: %s', (_, changes, expected) => {
    const state = changes === undefined ? undefined : { ...FAILED, ...changes };
    expect(redriveByItself('salesforce-to-postgres', state, NOW)).toBe(expected);
  });

  test('is named by its message, and by no other', () => {
    const failed = { execution: 'arn:e', stateMachine: 'arn:m', status: 'FAILED' };
    expect(parseFailedExecution(JSON.stringify(failed))).toEqual(failed);
    for (const body of ['', '[]', '{"execution": "arn:e"}', JSON.stringify({ ...failed, input: 'x' })]) {
      expect(parseFailedExecution(body)).toBeUndefined();
    }
  });
});

describe('an event that was not delivered', () => {
  const event = { version: '0', id: 'e-1', time: '2026-01-01T12:00:00Z', region: 'r', account: 'a', resources: [] };
  const redriveOf = (body: object, target?: string) => redriveOfEvent(JSON.stringify({ ...event, ...body }), target);

  test('of a file starts what the rule would have started', () => {
    const object = { key: 'salesforce/Contact/f/r/1', size: 0, etag: 'x', sequencer: 'y' };
    const detail = { version: '0', bucket: { name: 'b' }, object, reason: 'PutObject' };
    expect(redriveOf({ source: 'aws.s3', 'detail-type': 'Object Created', detail })).toEqual({
      action: 'start execution',
      id: 'e-1',
      input: { bucket: 'b', key: 'salesforce/Contact/f/r/1', size: 0, putAt: '2026-01-01T12:00:00Z' },
    });
  });

  test('of changes announces their object', () => {
    const body = { source: 'sfsync', 'detail-type': 'Changes available', detail: { object: 'Contact' } };
    expect(redriveOf(body)).toEqual({ action: 'announce', object: 'Contact' });
  });

  test('of a failed execution goes where its target was', () => {
    const detail = { executionArn: 'arn:e', stateMachineArn: 'arn:m', status: 'FAILED', input: '{}', name: 'n' };
    const body = { source: 'aws.states', detail };
    const failed = { execution: 'arn:e', stateMachine: 'arn:m', status: 'FAILED' };
    expect(redriveOf(body, 'arn:aws:sqs:r:a:dead')).toEqual({ action: 'dead letter', failed });
    const notice = { about: 'failed execution', ...failed, input: '{}', error: undefined, cause: undefined };
    expect(redriveOf(body, 'arn:aws:lambda:r:a:function:notify')).toEqual({ action: 'notify', notice });
    expect(redriveOf(body)).toMatchObject({ action: 'notify' });
  });

  test('of a schedule is forgotten', () => {
    expect(redriveOf({ source: 'aws.events', 'detail-type': 'Scheduled Event' })).toMatchObject({ action: 'forget' });
  });

  test('that is none of ours, or no event at all, is left alone', () => {
    expect(redriveOf({ source: 'aws.ec2', detail: {} })).toBeUndefined();
    expect(redriveOf({ source: 'sfsync', detail: { other: 1 } })).toBeUndefined();
    expect(redriveOfEvent('no JSON', undefined)).toBeUndefined();
    expect(redriveOfEvent('null', undefined)).toBeUndefined();
  });
});

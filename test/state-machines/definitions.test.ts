import validate from 'asl-validator';
import { describe, expect, test } from 'vitest';
import { CHANGES_AVAILABLE } from '../../core/contracts/change-message.ts';
import * as errors from '../../core/errors.ts';
import { checkDefinition } from '../../packages/embedded-aws/step-functions/definition/definition-check.ts';
import { definitionText, PIPELINES, type Retrier, readDefinition, statesOf, substitute } from './definition.ts';
import { SUBSTITUTIONS } from './pipeline.ts';

/** Error names of ours that a machine may match on: classes whose name a bundler cannot change. */
const OUR_ERRORS = ['RetryableError', 'ConfigurationError', 'InvariantError', 'RejectedRecordError', 'LeaseLostError'];

test('our error names are those of the classes', () => {
  const exported = Object.keys(errors).filter((name) => name !== 'SyncError');
  expect(exported.sort()).toEqual([...OUR_ERRORS].sort());
});

function budgetSeconds(rule: Partial<Retrier> = {}): number {
  const { IntervalSeconds = 1, BackoffRate = 1, MaxAttempts = 0, MaxDelaySeconds = Number.POSITIVE_INFINITY } = rule;
  const bounds = Array.from({ length: MaxAttempts }, (_, n) =>
    Math.min(IntervalSeconds * BackoffRate ** n, MaxDelaySeconds),
  );
  const mean = bounds.reduce((sum, bound) => sum + bound / 2, 0);
  const deviation = Math.sqrt(bounds.reduce((sum, bound) => sum + bound ** 2 / 12, 0));
  return mean - 3 * deviation;
}

describe.each(PIPELINES)('%s', (pipeline) => {
  const text = definitionText(pipeline);
  const states = statesOf(readDefinition(pipeline));
  const tasks = states.filter(([, { Type }]) => Type === 'Task');

  test('is valid JSONata ASL when it is deployed, every expression included', () => {
    const deployed = substitute(text, SUBSTITUTIONS);
    expect(validate(JSON.parse(deployed), { checkPaths: false, checkArn: false }).errors).toEqual([]);
    expect(checkDefinition(deployed)).toMatchObject({ kind: 'good' });
    expect(readDefinition(pipeline).QueryLanguage).toBe('JSONata');
  });

  test('says its trigger, input and promise', () => {
    expect(readDefinition(pipeline).Comment).toMatch(/Trigger: .*Input: .*Promise: /);
  });

  test.each(tasks)('task "%s" has a timeout, retries with a bound, and no catch-all', (_, state) => {
    expect(state.TimeoutSeconds).toBeGreaterThan(0);
    expect(state.Retry?.length).toBeGreaterThan(0);
    for (const { MaxAttempts, JitterStrategy } of state.Retry ?? []) {
      expect(MaxAttempts).toBeGreaterThan(0);
      expect(JitterStrategy).toBe('FULL');
    }
    for (const { ErrorEquals } of state.Catch ?? []) {
      for (const name of ['States.ALL', 'States.TaskFailed', 'InvariantError', 'ConfigurationError']) {
        expect(ErrorEquals).not.toContain(name);
      }
    }
  });

  /** Waits are drawn between nothing and their bound, so a budget is one that 999 of 1,000 executions have. */
  test.each(tasks)(
    'task "%s" rides out a failover and throttled Lambdas: at least 15 minutes',
    (_, { Retry = [], Catch = [] }) => {
      const talksToSalesforce = Catch.some(({ ErrorEquals }) => ErrorEquals.includes('RetryableError'));
      const calls = Retry.some(({ ErrorEquals }) => ErrorEquals.includes('RetryableError'));
      const awaited = talksToSalesforce
        ? ['Lambda.TooManyRequestsException']
        : ['RetryableError', 'Lambda.TooManyRequestsException'];
      for (const name of calls ? awaited : []) {
        const rule = Retry.find(({ ErrorEquals }) => ErrorEquals.includes(name));
        expect(budgetSeconds(rule), name).toBeGreaterThan(15 * 60);
      }
    },
  );

  test('every error name without a service before it is one of ours', () => {
    const names = states.flatMap(([, { Retry = [], Catch = [] }]) =>
      [...Retry, ...Catch].flatMap((rule) => rule.ErrorEquals),
    );
    expect(names.filter((name) => !name.includes('.') && !OUR_ERRORS.includes(name))).toEqual([]);
    expect(names).toContain('RetryableError');
  });

  test('choices are questions, and names fit into the console', () => {
    for (const [name, { Type }] of states) {
      expect(name.length).toBeLessThanOrEqual(80);
      expect(name.endsWith('?'), name).toBe(Type === 'Choice');
    }
  });

  test('puts the event that the other pipeline listens to', () => {
    // In JSON, or in an expression that makes several.
    const plain = text.replaceAll("'", '"');
    expect(plain).toContain(`"Source": "${'$'}{EventSource}"`);
    expect(plain).toContain(`"DetailType": "${CHANGES_AVAILABLE}"`);
  });
});

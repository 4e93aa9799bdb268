import { describe, expect, test } from 'vitest';
import { checkDefinition } from '../../step-functions/definition/definition-check.ts';
import type { Json, JsonObject } from '../../step-functions/states/json.ts';
import { functionArn, machine } from './workshop.ts';

function faults(definition: Json): string[] {
  const checked = checkDefinition(typeof definition === 'string' ? definition : JSON.stringify(definition));
  return checked.kind === 'good' ? [] : checked.diagnostics.map((d) => `${d.code}: ${d.message} at ${d.location}`);
}

const task = (change: JsonObject): JsonObject => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke',
  Arguments: { FunctionName: 'f' },
  End: true,
  ...change,
});
const mapOf = (change: JsonObject): JsonObject => ({
  Type: 'Map',
  ItemProcessor: machine({ Inner: { Type: 'Pass', End: true } }),
  End: true,
  ...change,
});

describe('good definitions', () => {
  test('a machine with every kind of state', () => {
    const definition = machine(
      {
        Start: { Type: 'Pass', Comment: 'c', Output: [null, 1], Assign: { x: '{% 1 %}' }, Next: 'Is it so?' },
        'Is it so?': {
          Type: 'Choice',
          Choices: [{ Condition: '{% $x = 1 %}', Next: 'Wait', Output: 'so' }],
          Default: 'End',
        },
        Wait: { Type: 'Wait', Seconds: '{% $x %}', Next: 'Work' },
        Work: task({
          TimeoutSeconds: 10,
          HeartbeatSeconds: '{% $x %}',
          Retry: [
            { ErrorEquals: ['A'], IntervalSeconds: 2, BackoffRate: 1.5, MaxDelaySeconds: 9, JitterStrategy: 'FULL' },
            { ErrorEquals: ['States.ALL'], MaxAttempts: 0, Comment: 'c' },
          ],
          Catch: [
            { ErrorEquals: ['States.ALL'], Output: '{% $states.errorOutput %}', Assign: { y: 1 }, Next: 'Failed' },
          ],
          Credentials: { RoleArn: 'arn:aws:iam::000000000000:role/other' },
        }),
        End: { Type: 'Succeed', Output: 7 },
        Failed: { Type: 'Fail', Error: '{% "E" %}', Cause: 'c' },
      },
      { Comment: 'c', Version: '1.0', TimeoutSeconds: 60 },
    );
    expect(faults(definition)).toEqual([]);
  });

  test('a state may be called Output', () => {
    expect(faults(machine({ Output: { Type: 'Pass', Output: 1, Next: 'Catch' }, Catch: { Type: 'Succeed' } }))).toEqual(
      [],
    );
  });

  test('the query language may stand in the states', () => {
    expect(faults({ StartAt: 'A', States: { A: { Type: 'Pass', QueryLanguage: 'JSONata', End: true } } })).toEqual([]);
  });
});

describe('faulty definitions are refused with code, reason and place', () => {
  test.each<[Json, string]>([
    ['{', 'INVALID_JSON_DESCRIPTION: Expected property name'],
    ['[]', 'INVALID_JSON_DESCRIPTION: The definition must be a JSON object at '],
    [{ StartAt: 'A' }, "SCHEMA_VALIDATION_FAILED: The field 'States' is required but was missing at "],
    [
      machine({ A: { Type: 'Pass', End: true, Ouput: 1 } }),
      'SCHEMA_VALIDATION_FAILED: Field is not supported at /States/A/Ouput',
    ],
    [
      machine({ A: { Type: 'Pass' } }),
      "SCHEMA_VALIDATION_FAILED: Exactly one of 'Next' and 'End' must be given at /States/A",
    ],
    [
      machine({ A: { Type: 'Pas', End: true } }),
      "SCHEMA_VALIDATION_FAILED: Value 'Pas' is not one of the state types at /States/A/Type",
    ],
    [machine({ A: { Type: 'Pass', Next: 'B' } }), "MISSING_TRANSITION_TARGET: Missing 'Next' target: B at /States/A"],
    [
      machine({ A: mapOf({ ItemProcessor: { StartAt: 'X', States: { Y: { Type: 'Succeed' } } } }) }),
      "MISSING_TRANSITION_TARGET: Missing 'Next' target: X at /States/A/ItemProcessor/StartAt",
    ],
    [
      machine({ A: { Type: 'Pass', Output: '{% $x( %}', End: true } }),
      "INVALID_JSONATA: The JSONata expression '{% $x( %}' cannot be parsed",
    ],
    [
      machine({ A: { Type: 'Pass', InputPath: '$', End: true } }),
      "SCHEMA_VALIDATION_FAILED: The QueryLanguage 'JSONata' does not support the field 'InputPath' at /States/A",
    ],
    [
      machine({ A: { Type: 'Pass', Assign: { states: 1 }, End: true } }),
      "SCHEMA_VALIDATION_FAILED: 'states' cannot be the name of a variable at /States/A/Assign",
    ],
    [
      machine({ A: { Type: 'Wait', Seconds: 1, Timestamp: '{% 1 %}', End: true } }),
      "Exactly one of 'Seconds' and 'Timestamp' must be given at /States/A",
    ],
    [
      machine({ A: { Type: 'Wait', Timestamp: '2016-12-05 21:29:29Z', End: true } }),
      'SCHEMA_VALIDATION_FAILED: String does not match RFC3339 timestamp at /States/A/Timestamp',
    ],
    [
      machine({ A: { Type: 'Wait', Timestamp: '2016-12-05T25:29:29Z', End: true } }),
      'String does not match RFC3339 timestamp',
    ],
    [
      machine({ A: { Type: 'Wait', Seconds: -1, End: true } }),
      'Expected an integer of at least 0 at /States/A/Seconds',
    ],
    [
      machine({ A: { Type: 'Choice', Choices: [] } }),
      "The field 'Choices' is required and must hold at least one rule at /States/A",
    ],
    [
      machine({ A: { Type: 'Choice', Choices: [{ Condition: 'x', Next: 'A' }] } }),
      'Expected a JSONata expression or a Boolean at /States/A/Choices[0]/Condition',
    ],
    [
      machine({ A: task({ Retry: [{ ErrorEquals: ['States.ALL', 'A'] }] }) }),
      "'States.ALL' must stand alone at /States/A/Retry[0]/ErrorEquals",
    ],
    [
      machine({ A: task({ Retry: [{ ErrorEquals: ['States.ALL'] }, { ErrorEquals: ['A'] }] }) }),
      "'States.ALL' must be in the last rule at /States/A/Retry[0]/ErrorEquals",
    ],
    [
      machine({ A: task({ Retry: [{ ErrorEquals: [] }] }) }),
      'Expected a list of at least one String at /States/A/Retry[0]/ErrorEquals',
    ],
    [
      machine({ A: task({ TimeoutSeconds: 5, HeartbeatSeconds: 5 }) }),
      "'HeartbeatSeconds' must be smaller than 'TimeoutSeconds' at /States/A",
    ],
    [
      machine({ A: task({ Resource: 'my function' }) }),
      "Value is not a valid resource ARN: 'my function' at /States/A/Resource",
    ],
    [
      machine({ A: task({ Credentials: {} }) }),
      "The field 'RoleArn' is required but was missing at /States/A/Credentials",
    ],
    [machine({ A: { Type: 'Pass', End: true }, B: { Type: 'Pass', End: true } }), 'MISSING_TRANSITION_TARGET'],
  ])('%j', (definition, fault) => {
    expect(faults(definition).join('\n')).toContain(fault);
  });

  test('all faults are reported, not only the first', () => {
    const definition = machine({ A: { Type: 'Pass', Next: 'B', X: 1 }, B: { Type: 'Fail', Cause: 1 } });
    expect(faults(definition)).toHaveLength(2);
  });
});

describe('what AWS offers and this does not is reported as such', () => {
  test.each<[JsonObject, string]>([
    [{ StartAt: 'A', States: { A: { Type: 'Pass', End: true } } }, "State 'A' is written in JSONPath"],
    [
      machine({ A: task({ Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken' }) }),
      "the service integration pattern '.waitForTaskToken'",
    ],
    [
      machine({ A: task({ Resource: 'arn:aws:states:::states:startExecution.sync:2' }) }),
      "the service integration pattern '.sync:2'",
    ],
    [machine({ A: task({ Resource: 'arn:aws:states:::dynamodb:getItem' }) }), "the integration 'dynamodb:getItem'"],
    [
      machine({ A: task({ Resource: 'arn:aws:states:::aws-sdk:ec2:runInstances' }) }),
      "the AWS SDK integration of 'ec2'",
    ],
    [machine({ A: task({ Resource: 'arn:aws:states:eu-west-1:000000000000:activity:work' }) }), 'activities'],
    [machine({ A: mapOf({ ItemReader: {} }) }), "'ItemReader' belongs to a distributed Map state"],
    [
      machine({
        A: mapOf({
          ItemProcessor: { ...machine({ I: { Type: 'Succeed' } }), ProcessorConfig: { Mode: 'DISTRIBUTED' } },
        }),
      }),
      'in mode DISTRIBUTED is not offered',
    ],
  ])('%j', (definition, message) => {
    const found = faults(definition);
    expect(found.every((fault) => fault.startsWith('UNSUPPORTED: '))).toBe(true);
    expect(found.join('\n')).toContain(message);
  });

  test('a function by its ARN is offered', () => {
    expect(faults(machine({ A: task({ Resource: functionArn('f') }) }))).toEqual([]);
  });
});

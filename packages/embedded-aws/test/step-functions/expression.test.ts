import { describe, expect, test } from 'vitest';
import type { EvaluationError } from '../../step-functions/states/expression.ts';
import { evaluateTemplate, evaluateTyped, isExpression } from '../../step-functions/states/expression.ts';
import type { Json } from '../../step-functions/states/json.ts';

const NOTHING = { states: {}, variables: {} };

function evaluate(expression: string, input: Json = {}, variables: Readonly<Record<string, Json>> = {}): Promise<Json> {
  return evaluateTemplate(`{% ${expression} %}`, 'Output', { states: { input }, variables });
}

async function failure(work: Promise<Json>): Promise<{ message: string; location: string | undefined }> {
  const error = await work.then(
    (value) => Promise.reject(new Error(`not refused: ${JSON.stringify(value)}`)),
    (thrown: EvaluationError) => thrown,
  );
  return { message: error.message, location: error.location };
}

describe('templates', () => {
  test('only a string that is an expression from end to end is evaluated', () => {
    expect(['{% 1 %}', '{%1%}', ' {% 1 %}', '{% 1 %} ', 'a {% 1 %}', '{%}', ''].map(isExpression)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });

  test('expressions are evaluated wherever they stand, everything else is kept', async () => {
    const template = { a: ['{% $x %}', 'x', null, 0.1], b: { c: '{% $states.input.n + 1 %}', d: ' {% $x %} ' } };
    const bindings = { states: { input: { n: 1 } }, variables: { x: [1] } };
    expect(await evaluateTemplate(template, 'Output', bindings)).toEqual({
      a: [[1], 'x', null, 0.1],
      b: { c: 2, d: ' {% $x %} ' },
    });
  });

  test('values pass through whole: empty lists, nested lists, null', async () => {
    const input = { list: [[1], [], null], empty: [], nothing: null };
    expect(await evaluate('$states.input', input)).toEqual(input);
  });

  test('an input is not changed by what an expression does with it', async () => {
    const input = { list: [{ a: 1 }] };
    await evaluate('$states.input.list[]', input);
    await evaluate('$states.input ~> |list|{"a": 2}|', input);
    expect(JSON.stringify(input)).toBe('{"list":[{"a":1}]}');
  });
});

describe('faults name the expression and the field', () => {
  test.each([
    ['$nothing', "The JSONata expression '$nothing' specified for the field 'Output' returned nothing (undefined)."],
    ['$noFunction(1)', 'threw an error during evaluation. T1006: Attempted to invoke a non-function'],
    ['function($x){$x}', 'returned an unsupported result type.'],
    ['{"f": $sum}', 'returned an unsupported result type.'],
    ['$eval("1")', 'T1006: Attempted to invoke a non-function'],
  ])('%s', async (expression, message) => {
    expect((await failure(evaluate(expression))).message).toContain(message);
  });

  test('the location is a path into the field', async () => {
    const template = { list: [1, { deep: '{% $nothing %}' }] };
    expect((await failure(evaluateTemplate(template, 'Arguments', NOTHING))).location).toBe('Arguments/list[1]/deep');
  });

  test('an expression of the wrong type names both types and the value', async () => {
    const { message } = await failure(evaluateTyped('{% {"a": 1} %}', 'Items', NOTHING, 'array'));
    expect(message).toBe(
      `The JSONata expression '{"a": 1}' specified for the field 'Items' returned an unexpected result type. Expected 'array', but was 'object' for value: {"a":1}`,
    );
  });

  test('an endless recursion is stopped', async () => {
    const { message } = await failure(evaluate('($f := function($n){1 + $f($n)}; $f(1))'));
    expect(message).toMatch(/D1011|D1012|U1001/);
  });
});

describe('functions that Step Functions adds', () => {
  test.each<[string, Json]>([
    ['$partition([1, 2, 3], 2)', [[1, 2], [3]]],
    ['$partition([0], 1)', [[0]]],
    ['$partition([], 1)', []],
    ['$range(0, 10, 3)', [0, 3, 6, 9]],
    ['$range(3, 1, -1)', [3, 2, 1]],
    ['$range(1, 9, 9)', 1],
    ['$hash("input data", "SHA-1")', 'aaff4a450a104cd177d28d18d74485e8cae074b7'],
    ['$hash("a", "MD5")', '0cc175b9c0f1b6a831c399e269772661'],
    ['$parse("[1, {\\"a\\": null}]")', [1, { a: null }]],
    ['$random(42) = $random(42)', true],
    ['$random() < 1', true],
    ['$uuid() = $uuid()', false],
  ])('%s', async (expression, result) => {
    expect(await evaluate(expression)).toEqual(result);
  });

  test('a seeded random number is that of java.util.Random', async () => {
    expect(await evaluate('$random(42)')).toBe(0.7275636800328681);
  });

  test.each([
    ['$partition([1], 0)', 'positive number'],
    ['$range(1, 2, 0)', 'must not be zero'],
    ['$range(1, 1e9, 1)', 'must not exceed'],
    ['$hash("a", "CRC32")', 'must be one of MD5, SHA-1, SHA-256, SHA-384, SHA-512'],
    ['$parse("{")', 'is not JSON text'],
  ])('%s is refused', async (expression, message) => {
    expect((await failure(evaluate(expression))).message).toContain(message);
  });
});

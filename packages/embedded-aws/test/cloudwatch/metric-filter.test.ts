import { expect, test } from 'vitest';
import { measured, parseFilter } from '../../cloudwatch/metric-filter.ts';

const filterOf = (filterPattern: string, more: object = {}) =>
  parseFilter({
    logGroupName: 'logs',
    filterName: 'f',
    filterPattern,
    metricTransformations: [{ metricNamespace: 'sfsync', metricName: 'Bytes', metricValue: '$.bytes', ...more }],
  });

test('a line with the field makes its value, by the dimensions that it names', () => {
  const filter = filterOf('{ $.bytes = "*" }', { dimensions: { Object: '$.object' } });
  expect(measured(filter, '{"bytes":5,"object":"Account"}')).toEqual({
    namespace: 'sfsync',
    name: 'Bytes',
    dimensions: { Object: 'Account' },
    value: 5,
  });
  expect(measured(filter, '{"bytes":5}')).toBeUndefined();
});

test.each(['{"level":"INFO","bytes":1}', '{"other":1}', 'START RequestId: 1', '{"level":"ERR'])(
  'a line that does not match makes none: %s',
  (line) => {
    expect(measured(filterOf('{ $.level = "ERROR" }', { metricValue: '1' }), line)).toBeUndefined();
  },
);

test('a constant value counts the lines', () => {
  expect(measured(filterOf('{ $.level = "ERROR" }', { metricValue: '1' }), '{"level":"ERROR"}')?.value).toBe(1);
});

test('a pattern that is not understood is refused', () => {
  expect(() => filterOf('?ERROR ?WARN')).toThrow('Only patterns such as');
});

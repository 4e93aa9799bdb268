import { InvalidArgumentError } from 'commander';
import { expect, test } from 'vitest';
import { pollInterval, readOptions } from '../../local/options.ts';

test.each([
  ['2s', 2_000],
  ['2', 2_000],
  ['1.5s', 1_500],
  ['1500ms', 1_500],
  ['1m', 60_000],
])('%s is %i ms', (text, milliseconds) => {
  expect(pollInterval(text)).toBe(milliseconds);
});

test.each(['0.1s', '2m', 'fast', '', '-2s', '5 seconds'])('%j is refused', (text) => {
  expect(() => pollInterval(text)).toThrow(InvalidArgumentError);
});

test('without arguments a minute lasts five seconds and nothing is forgotten', () => {
  expect(readOptions([])).toEqual({
    configurationFile: 'sync.config.ts',
    pollMs: 5_000,
    fresh: false,
    verbose: false,
    awsEndpoint: undefined,
  });
  expect(
    readOptions([
      '--config',
      'my.config.ts',
      '--poll',
      '2s',
      '--fresh',
      '--verbose',
      '--aws-endpoint',
      'http://localhost:4566',
    ]),
  ).toEqual({
    configurationFile: 'my.config.ts',
    pollMs: 2_000,
    fresh: true,
    verbose: true,
    awsEndpoint: 'http://localhost:4566',
  });
});

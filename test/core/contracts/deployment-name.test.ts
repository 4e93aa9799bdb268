import { expect, test } from 'vitest';
import { deploymentNameOf } from '../../../core/contracts/deployment-name.ts';
import { ConfigurationError } from '../../../core/errors.ts';

test.each(['sfsync', 'a', 'billing', 'billing-2', 'eu-west-1', 'x'.repeat(30)])('%s is a name', (name) => {
  expect(deploymentNameOf(name)).toBe(name);
});

test('none is sfsync', () => {
  expect(deploymentNameOf(undefined)).toBe('sfsync');
});

test.each(['', 'Billing', 'a_b', '-a', 'a-', 'a--b', '1a', 'x'.repeat(31)])('%j is none', (name) => {
  expect(() => deploymentNameOf(name)).toThrow(ConfigurationError);
});

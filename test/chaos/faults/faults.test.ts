import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { FAILPOINTS } from '../../../core/failpoint.ts';
import { FAULTS } from './faults.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

describe('the faults', () => {
  test('have names of their own, which --faults can tell apart', () => {
    const names = FAULTS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => name.includes(',') || name !== name.trim())).toEqual([]);
  });

  test('are over after some seconds', () => {
    for (const { name, lasts } of FAULTS) {
      expect(lasts[0], name).toBeLessThanOrEqual(lasts[1]);
      expect(lasts[1], name).toBeLessThanOrEqual(8_000);
    }
  });
});

test('each failpoint stands somewhere, and each that stands somewhere is in the list', () => {
  const places = globSync('{aws,functions,postgres,salesforce,steps,wal-streamer}/**/*.ts', { cwd: ROOT });
  const standing = places.flatMap((file) => {
    const text = readFileSync(`${ROOT}/${file}`, 'utf8');
    return [...text.matchAll(/failpoint\('([^']+)'\)/g)].map(([, name]) => name);
  });
  expect([...new Set(standing)].sort()).toEqual([...FAILPOINTS].sort());
});

/** A handler is what it says: environment, contract, one call, log. Loops, SQL and the ledger are the business of steps/. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const FUNCTIONS = fileURLToPath(new URL('../../functions', import.meta.url));
const MOST_LINES = 45;
/** The frame of the handlers, and what they share. */
const BESIDE = ['handler.ts', 'connections.ts'];

const files = readdirSync(FUNCTIONS, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .sort()
  .map((file) => {
    const text = readFileSync(join(FUNCTIONS, file), 'utf8');
    return { file, text, code: text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '') };
  });
const handlers = files.filter(({ file }) => !BESIDE.includes(file));

test('the handlers are found', () => {
  expect(handlers.length).toBeGreaterThan(10);
});

describe.for(files)('functions/$file', ({ code }) => {
  test('has no loop', () => {
    expect(code.match(/\b(for|while|do)\s*(await\s*)?[({]|\.forEach\(/g)).toBeNull();
  });

  test('has no SQL and no transaction, and leaves the ledger to the steps', () => {
    expect(code.match(/\b(query|inTransaction|inOwnTransaction)\(|\/postgres\/(ledger|tables)\//g)).toBeNull();
  });
});

test.for(handlers)(`functions/$file is one handler of at most ${MOST_LINES} lines`, ({ text, code }) => {
  expect(code.match(/\bdefineHandler\(/g)).toHaveLength(1);
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(MOST_LINES);
});

/**
 * `npm run chaos`: clients work on both sides of the whole system while things go wrong, everything comes to rest, and the
 * history of it all is judged. Exit status 0: no violation; 1: violations; 2: it could not be carried out.
 */
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { memoryDirectory } from '../support/run/memory-directory.ts';
import { judgeAgain } from './judge-again.ts';
import { readOptions, USAGE, UsageError } from './options.ts';
import { Session } from './session.ts';

// Many processes and threads load the same code: each piece is compiled once. Node's own default place, also for later runs.
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'node-compile-cache');
process.env.TMPDIR = memoryDirectory() ?? tmpdir();

try {
  const words = process.argv.slice(2);
  process.exitCode = words.includes('--help') ? help() : await run(words);
} catch (error) {
  const isUsage = error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  const says = isUsage ? `${error.message}\n${USAGE}` : error instanceof UsageError ? error.message : undefined;
  process.stderr.write(`${says ?? (error instanceof Error ? error.stack : error)}\n`);
  if (error instanceof Error && error.cause !== undefined)
    process.stderr.write(`because: ${String((error.cause as Error).stack)}\n`);
  process.exitCode = 2;
}

function help(): number {
  process.stdout.write(`${USAGE}\n`);
  return 0;
}

async function run(words: readonly string[]): Promise<number> {
  const options = readOptions(words);
  if (options.judge !== undefined) {
    const { text, violations } = await judgeAgain(options.judge, { values: options.values });
    process.stdout.write(`${text}\n`);
    return violations === 0 ? 0 : 1;
  }
  const out = options.out ?? '.chaos';
  await mkdir(out, { recursive: true });
  return await new Session({ ...options, out }).run();
}

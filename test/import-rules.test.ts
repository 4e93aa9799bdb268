/** Who may import whom, as the linter's settings have it: each rule lets its own imports through and stops the others. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));

interface Rule {
  /** A file in the folder that the rule is about. */
  readonly file: string;
  readonly allowed: readonly string[];
  readonly forbidden: readonly string[];
}

const RULES: readonly Rule[] = [
  {
    file: 'core/probe.ts',
    allowed: ['zod', 'decimal.js', './merge.ts'],
    forbidden: ['node:fs', 'pg', '@aws-sdk/client-s3', '../adapters/storage.ts', '../sync.config.ts', 'p-retry'],
  },
  {
    file: 'sync.config.ts',
    allowed: ['./core/configuration.ts'],
    forbidden: ['zod', 'node:fs', './adapters/storage.ts'],
  },
  {
    file: 'adapters/probe.ts',
    allowed: ['zod', 'pg', 'jsforce', '@aws-sdk/client-sqs', 'node:fs/promises', './secrets.ts', '../core/link.ts'],
    forbidden: [
      '../sync.config.ts',
      '../functions/handler.ts',
      '../wal-streamer/main.ts',
      '@middy/core',
      'aws-cdk-lib',
    ],
  },
  {
    file: 'adapters/postgres/probe.ts',
    allowed: ['./rows.ts', '../secrets.ts', '../../core/link.ts', 'pg-logical-replication'],
    forbidden: ['../../sync.config.ts', '../../infra/stack.ts', '../../local/ports.ts'],
  },
  {
    file: 'functions/salesforce-to-postgres/probe.ts',
    allowed: ['../handler.ts', '../../adapters/storage.ts', '../../sync.config.ts', '@middy/core', 'zod'],
    forbidden: ['pg', 'jsforce', '@aws-sdk/client-s3', '../../wal-streamer/main.ts', '../../infra/stack.ts'],
  },
  {
    file: 'wal-streamer/probe.ts',
    allowed: ['../adapters/change-publisher.ts', '../core/lsn.ts', '../sync.config.ts', 'node:timers/promises'],
    forbidden: ['pg', 'pg-logical-replication', '@aws-sdk/client-sqs', '../functions/handler.ts'],
  },
  {
    file: 'infra/probe.ts',
    allowed: ['aws-cdk-lib', 'aws-cdk-lib/aws-sqs', 'constructs', '../core/configuration.ts', '../sync.config.ts'],
    forbidden: ['../functions/notify.ts', '../adapters/storage.ts', '@aws-sdk/client-sqs', '../local/ports.ts'],
  },
  {
    file: 'cli/probe.ts',
    allowed: ['../adapters/postgres/prepare.ts', '../core/errors.ts', '../sync.config.ts', 'commander', 'cli-table3'],
    forbidden: ['pg', '@aws-sdk/client-sqs', '../functions/handler.ts', '../infra/stack.ts', '../local/system.ts'],
  },
  {
    file: 'local/aws/probe.ts',
    allowed: ['../../core/configuration.ts', '../../sync.config.ts', '../postgres/server.ts', '@aws-sdk/client-sqs'],
    forbidden: [
      '../../adapters/storage.ts',
      '../../functions/handler.ts',
      '../../infra/app.ts',
      '../../cli/sfsync.ts',
      '../../wal-streamer/main.ts',
      '../../test/support/postgres.ts',
      'aws-cdk-lib',
    ],
  },
];

/** What core/ must not ask its surroundings, one line each. */
const CLOCKS = [
  'Date.now()',
  'new Date()',
  'Math.random()',
  'process.env.HOME',
  'setTimeout(() => {}, 1)',
  'fetch("")',
];
const NO_CLOCK = ['new Date(0)', 'Date.UTC(2026, 0)', 'Date.parse("2026-01-01")'];

describe('import rules', () => {
  let directory: string;
  let found: ReadonlySet<string>;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'sfsync-import-rules-'));
    for (const file of ['biome.json', '.gitignore', 'core/no-clock.grit'])
      cpSync(join(PROJECT, file), join(directory, file));
    for (const { file, allowed, forbidden } of RULES) {
      write(
        file,
        [...allowed, ...forbidden].map((source) => `export * from '${source}';`),
      );
    }
    write('core/clocks.ts', [...CLOCKS, ...NO_CLOCK]);
    found = await violations();
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  /** `file:line` of every violation. The linter ends with status 1 when there are some: there must be. */
  async function violations(): Promise<ReadonlySet<string>> {
    const run = promisify(execFile)(
      join(PROJECT, 'node_modules/.bin/biome'),
      ['lint', '--reporter=github', '--max-diagnostics=none', '.'],
      { cwd: directory },
    );
    const { stdout } = await run.then(
      () => expect.unreachable('the linter found nothing'),
      (error: { stdout: string }) => error,
    );
    const lines = stdout.matchAll(/title=(?:lint\/style\/noRestricted\w+|plugin),file=([^,]+),line=(\d+)/g);
    return new Set(
      Array.from(lines, ([, file = '', line]) => `${file.replace(/^.*sfsync-import-rules-[^/]+\//, '')}:${line}`),
    );
  }

  function write(file: string, lines: readonly string[]): void {
    mkdirSync(join(directory, dirname(file)), { recursive: true });
    writeFileSync(join(directory, file), `${lines.join('\n')}\n`);
  }

  function stopped(file: string, lines: readonly string[]): string[] {
    return lines.filter((_line, i) => found.has(`${file}:${i + 1}`));
  }

  it.each(RULES)('$file imports what is allowed, and nothing else', ({ file, allowed, forbidden }) => {
    expect(stopped(file, [...allowed, ...forbidden])).toEqual(forbidden);
  });

  it('core/ has no clock, no chance, no environment', () => {
    expect(stopped('core/clocks.ts', [...CLOCKS, ...NO_CLOCK])).toEqual(CLOCKS);
  });

  it('every folder with code has a rule', () => {
    const anything = ['test', 'bench'];
    const folders = readdirSync(PROJECT, { withFileTypes: true })
      .filter(
        (entry) =>
          entry.isDirectory() && !entry.name.startsWith('.') && !['node_modules', 'cdk.out'].includes(entry.name),
      )
      .filter(({ name }) =>
        readdirSync(join(PROJECT, name), { recursive: true }).some((file) => String(file).endsWith('.ts')),
      )
      .map(({ name }) => name);
    const ruled = new Set(RULES.map(({ file }) => file.split('/')[0]));
    expect(folders.filter((name) => !ruled.has(name) && !anything.includes(name))).toEqual([]);
  });
});

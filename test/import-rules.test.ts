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
    allowed: ['zod', 'decimal.js', './errors.ts'],
    forbidden: ['node:fs', 'pg', '@aws-sdk/client-s3', '../aws/storage.ts', '#sync.config', 'p-retry'],
  },
  {
    file: 'core/agreement/probe.ts',
    allowed: ['./merge.ts', '../mapping/canonical.ts', '../errors.ts'],
    forbidden: ['../../postgres/tables/rows.ts', '../../steps/apply.ts', 'jsforce'],
  },
  {
    file: 'core/mapping/field-types/probe.ts',
    allowed: ['decimal.js', '../canonical.ts', './field-type.ts', '../../errors.ts'],
    forbidden: ['../../agreement/merge.ts', '../../contracts/notice.ts', '../../../postgres/tables/rows.ts', 'node:fs'],
  },
  {
    file: 'core/mapping/probe.ts',
    allowed: ['zod', './field-types/field-types.ts', '../errors.ts'],
    forbidden: ['../agreement/link.ts', '../contracts/inbound-tasks.ts', '../../aws/storage.ts', '#sync.config'],
  },
  {
    file: 'examples/lender/sync.config.ts',
    allowed: ['../../core/mapping/configuration.ts', '../../sfsync.ts'],
    forbidden: ['zod', 'node:fs', '../../aws/storage.ts'],
  },
  {
    file: 'sfsync.ts',
    allowed: ['./core/mapping/configuration.ts', './packages/salesforce-simulator/org-simulator.ts'],
    forbidden: [
      'zod',
      './core/agreement/merge.ts',
      './packages/salesforce-simulator/org.ts',
      './infra/stack.ts',
      './steps/apply.ts',
    ],
  },
  {
    file: 'cdk.ts',
    allowed: ['./infra/stack.ts'],
    forbidden: ['aws-cdk-lib', './core/mapping/configuration.ts', './cli/load.ts'],
  },
  {
    file: 'build/probe.ts',
    allowed: ['node:fs', 'node:path'],
    forbidden: ['../core/errors.ts', '../cli/load.ts', 'esbuild'],
  },
  {
    file: 'aws/probe.ts',
    allowed: ['zod', '@aws-sdk/client-sqs', 'node:fs/promises', './secrets.ts', '../core/errors.ts'],
    forbidden: ['#sync.config', 'pg', 'jsforce', '../postgres/tables/rows.ts', '../salesforce/read.ts', '@middy/core'],
  },
  {
    file: 'salesforce/probe.ts',
    allowed: ['zod', 'jsforce', './read.ts', '../core/errors.ts'],
    forbidden: ['#sync.config', 'pg', '@aws-sdk/client-sqs', '../aws/secrets.ts', '../steps/apply.ts'],
  },
  {
    file: 'postgres/prepare/probe.ts',
    allowed: ['pg', '../ledger/links.ts', '../tables/rows.ts', '../session/copy.ts', '../../core/errors.ts'],
    forbidden: ['#sync.config', '../stream/stream-facts.ts', '../../steps/apply.ts', '../../aws/secrets.ts'],
  },
  {
    file: 'postgres/ledger/probe.ts',
    allowed: ['pg', './links.ts', '../tables/rows.ts', '../session/copy.ts'],
    forbidden: ['../prepare/prepare.ts', '../../steps/apply.ts', '../../local/lock.ts', 'jsforce'],
  },
  {
    file: 'postgres/tables/probe.ts',
    allowed: ['pg', './rows.ts', '../session/copy.ts'],
    forbidden: ['../ledger/links.ts', '../prepare/prepare.ts'],
  },
  {
    file: 'postgres/session/probe.ts',
    allowed: ['pg', 'pg-copy-streams', './connection.ts'],
    forbidden: ['../tables/rows.ts', '../ledger/links.ts', '../../aws/secrets.ts'],
  },
  {
    file: 'postgres/stream/probe.ts',
    allowed: ['pg-logical-replication', './stream-facts.ts'],
    forbidden: ['../session/connection.ts', '../ledger/links.ts'],
  },
  {
    file: 'steps/pairs/probe.ts',
    allowed: ['../apply.ts', '../../postgres/ledger/links.ts', '../../salesforce/read.ts', 'csv-parse/sync', 'zod'],
    forbidden: [
      '#sync.config',
      'pg',
      'jsforce',
      '@aws-sdk/client-sqs',
      '../../functions/handler.ts',
      '../../cli/load.ts',
    ],
  },
  {
    file: 'functions/salesforce-to-postgres/probe.ts',
    allowed: ['../handler.ts', '../../steps/apply.ts', '../../aws/storage.ts', '#sync.config', '@middy/core', 'zod'],
    forbidden: [
      'pg',
      'jsforce',
      '@aws-sdk/client-s3',
      'csv-parse/sync',
      '../../wal-streamer/main.ts',
      '../../infra/stack.ts',
    ],
  },
  {
    file: 'wal-streamer/probe.ts',
    allowed: ['../aws/change-publisher.ts', '../core/errors.ts', '#sync.config', 'node:timers/promises'],
    forbidden: ['pg', 'pg-logical-replication', '@aws-sdk/client-sqs', '../functions/handler.ts'],
  },
  {
    file: 'infra/probe.ts',
    allowed: ['aws-cdk-lib', 'aws-cdk-lib/aws-sqs', 'constructs', '../core/mapping/configuration.ts', '#sync.config'],
    forbidden: ['../functions/notify.ts', '../aws/storage.ts', '@aws-sdk/client-sqs', '../local/lock.ts'],
  },
  {
    file: 'cli/probe.ts',
    allowed: ['../postgres/prepare/prepare.ts', '../core/errors.ts', '#sync.config', 'commander', 'cli-table3'],
    forbidden: ['pg', '@aws-sdk/client-sqs', '../functions/handler.ts', '../infra/stack.ts', '../local/system.ts'],
  },
  {
    file: 'local/host/probe.ts',
    allowed: [
      '../../core/errors.ts',
      '../../packages/embedded-aws/embedded-aws.ts',
      '../postgres/server.ts',
      '@aws-sdk/client-sqs',
    ],
    forbidden: [
      '#sync.config',
      '../../examples/lender/sync.config.ts',
      '../../packages/embedded-aws/service.ts',
      '../../aws/storage.ts',
      '../../functions/handler.ts',
      '../../infra/app.ts',
      '../../cli/sfsync.ts',
      '../../wal-streamer/main.ts',
      '../../test/support/postgres/postgres.ts',
      'aws-cdk-lib',
    ],
  },
  {
    file: 'local/probe.ts',
    allowed: ['../core/errors.ts', '../packages/salesforce-simulator/org-simulator.ts', './host/template.ts'],
    forbidden: [
      '#sync.config',
      '../examples/lender/seed.ts',
      '../packages/salesforce-simulator/seed.ts',
      '../postgres/tables/rows.ts',
      '../infra/stack.ts',
      'constructs',
    ],
  },
  {
    file: 'packages/embedded-aws/sqs/probe.ts',
    allowed: ['../store.ts', 'zod', 'jsonata', 'node:fs'],
    forbidden: ['../../../core/errors.ts', '../../../local/lock.ts', '../../../steps/apply.ts', '#sync.config'],
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
/** Each folder of core/ with import rules of its own. */
const CLOCKED = ['core/clocks.ts', 'core/mapping/clocks.ts'];
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
    for (const file of CLOCKED) write(file, [...CLOCKS, ...NO_CLOCK]);
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

  it.each(CLOCKED)('core/ has no clock, no chance, no environment: %s', (file) => {
    expect(stopped(file, [...CLOCKS, ...NO_CLOCK])).toEqual(CLOCKS);
  });

  it('every folder with code has a rule', () => {
    const anything = ['test', 'bench'];
    const folders = readdirSync(PROJECT, { withFileTypes: true })
      .filter(
        (entry) =>
          entry.isDirectory() &&
          !entry.name.startsWith('.') &&
          !['node_modules', 'cdk.out', 'dist'].includes(entry.name),
      )
      .filter(({ name }) =>
        readdirSync(join(PROJECT, name), { recursive: true }).some((file) => String(file).endsWith('.ts')),
      )
      .map(({ name }) => name);
    const ruled = new Set(RULES.map(({ file }) => file.split('/')[0]));
    expect(folders.filter((name) => !ruled.has(name) && !anything.includes(name))).toEqual([]);
  });
});

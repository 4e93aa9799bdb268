/** The application of examples/rails: in Ruby, as its users have it, or the statements that ActiveRecord has sent once. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

const DIRECTORY = fileURLToPath(new URL('../../../examples/rails', import.meta.url));

/** What ActiveRecord has sent, a line for each statement; `npx vitest run test/examples/rails -u` writes it anew. */
export const RECORDED = join(DIRECTORY, 'statements.jsonl');
/** Other versions spell some statements otherwise. */
export const RECORDED_WITH = '6.1.';

/** stale: a row was written since it was read, as ActiveRecord finds by its lock version. */
export type Outcome = 'done' | 'stale';

export interface Application {
  /** Runs a step of story.rb. Throws where it fails. */
  run(step: string): Promise<Outcome>;
  end(): Promise<void>;
}

interface Statement {
  readonly sql: string;
  readonly binds: readonly Bind[];
  /** The record that it makes or reads. */
  readonly keep?: string;
}

type Bind =
  | { readonly value: unknown }
  | { readonly now: true }
  | { readonly random: true }
  | { readonly name: string; readonly plus?: number };

/** What is missing here for running the application itself; undefined: nothing. */
export function missingForRuby(): string | undefined {
  const found = spawnSync('ruby', ['-W0', '-e', 'require "active_record"; require "pg"']);
  return found.status === 0 ? undefined : 'Ruby with ActiveRecord and pg (Debian: ruby-activerecord, ruby-pg)';
}

export class RubyApplication implements Application {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #recorded: string[] = [];
  readonly version: string;

  private constructor(process: ChildProcess, lines: AsyncIterator<string>, version: string) {
    this.#process = process;
    this.#lines = lines;
    this.version = version;
  }

  static async start(databaseUrl: string): Promise<RubyApplication> {
    const env = { ...process.env, DATABASE_URL: databaseUrl };
    const child = spawn('ruby', ['-W0', 'story.rb'], {
      cwd: DIRECTORY,
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { activerecord } = await answer<{ activerecord: string }>(lines);
    return new RubyApplication(child, lines, activerecord);
  }

  async run(step: string): Promise<Outcome> {
    this.#process.stdin?.write(`${step}\n`);
    const { outcome, statements } = await answer<{ outcome: string; statements: Statement[] }>(this.#lines);
    if (outcome !== 'done' && outcome !== 'stale') throw new Error(`${step}: ${outcome}`);
    this.#recorded.push(...statements.map((statement) => JSON.stringify({ step, ...statement })));
    return outcome;
  }

  /** The statements so far, as they are kept in a file. */
  recorded(): string {
    return this.#recorded.map((line) => `${line}\n`).join('');
  }

  async end(): Promise<void> {
    this.#process.stdin?.end();
    if (this.#process.exitCode === null) await new Promise((resolve) => this.#process.once('exit', resolve));
  }
}

async function answer<T>(lines: AsyncIterator<string>): Promise<T> {
  const { value, done } = await lines.next();
  if (done === true) throw new Error('The application has ended.');
  return JSON.parse(value) as T;
}

/** Sends what was recorded, in the order of the steps as they are asked for. */
export class RecordedApplication implements Application {
  readonly #client: pg.Client;
  readonly #statements: (Statement & { readonly step: string })[];
  /** Of the records that the application holds, what it knows of them. */
  readonly #held = new Map<string, { id: string; lockVersion: number }>();

  private constructor(client: pg.Client, statements: (Statement & { readonly step: string })[]) {
    this.#client = client;
    this.#statements = statements;
  }

  static async start(databaseUrl: string): Promise<RecordedApplication> {
    const lines = (await readFile(RECORDED, 'utf8')).split('\n').filter(Boolean);
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    return new RecordedApplication(
      client,
      lines.map((line) => JSON.parse(line)),
    );
  }

  async run(step: string): Promise<Outcome> {
    let outcome: Outcome = 'done';
    if (this.#statements[0]?.step !== step) throw new Error(`${step} was not recorded here.`);
    while (this.#statements[0]?.step === step) {
      const statement = this.#statements.shift() as Statement;
      const { rows, rowCount } = await this.#client.query(
        statement.sql,
        statement.binds.map((bind) => this.#valueOf(bind)),
      );
      const [row] = rows;
      if (statement.keep !== undefined && row !== undefined)
        this.#held.set(statement.keep, { id: row.id, lockVersion: row.lock_version ?? 0 });
      if (locks(statement) && rowCount !== 1) outcome = 'stale';
      else this.#raise(statement);
    }
    return outcome;
  }

  #valueOf(bind: Bind): unknown {
    if ('now' in bind) return new Date().toISOString().replace('T', ' ').replace('Z', '');
    if ('random' in bind) return `LA-${randomBytes(5).toString('hex').toUpperCase()}`;
    if ('value' in bind) return bind.value;
    const [record = '', column] = bind.name.split('.');
    const held = this.#held.get(record);
    if (held === undefined) throw new Error(`${record} is not known`);
    return column === 'id' ? held.id : held.lockVersion + (bind.plus ?? 0);
  }

  /** The record in the application's memory has the lock version that was written. */
  #raise({ sql, binds }: Statement): void {
    const raised = binds.find((bind) => 'plus' in bind && bind.plus !== undefined);
    const counted = sql.includes('COALESCE("lock_version"') ? binds.at(-1) : undefined;
    const bind = raised ?? counted;
    const held = bind !== undefined && 'name' in bind ? this.#held.get(bind.name.split('.')[0] ?? '') : undefined;
    if (held !== undefined) held.lockVersion++;
  }

  end(): Promise<void> {
    return this.#client.end();
  }
}

/** As in recorder.rb. */
function locks({ sql }: Statement): boolean {
  return /"lock_version" = \$\d+$/.test(sql);
}

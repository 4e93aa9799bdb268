import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { beforeEach, describe, expect, test } from 'vitest';
import { describeStatus } from '../../../cli/report.ts';
import { RetryableError } from '../../../core/errors.ts';
import type { SyncConfiguration } from '../../../core/mapping/configuration.ts';
import sample from '../../../examples/lender/sync.config.ts';
import { readDatabaseStatus } from '../../../postgres/prepare/status.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { startQueueService } from '../../support/system/queue-service.ts';
import { contextOf } from '../../support/system/steps.ts';
import { startStreamer } from '../../support/system/streamer.ts';

/** One origin for all, so that who holds it shows. */
const configuration: SyncConfiguration = { ...sample, settings: { ...sample.settings, origins: 1 } };
const ORIGIN = 'sfsync_0';
const ACCOUNT = '001000000000001AAA';

const lender = useLenderDatabase('test');
const { rows } = lender;
let session: Session;
beforeEach(async () => {
  session = await lender.session();
});

function apply(by: Session, second: number, phone: string) {
  const lines = [{ line: 1, version: version('Account', ACCOUNT, second, { Phone: phone }) }];
  return applyVersions(contextOf(by, configuration, 'Account'), 'file', lines, Date.UTC(2030, 0, 1));
}

async function pidOf(client: pg.Client): Promise<number> {
  const { rows: found } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return found[0]?.pid ?? 0;
}

/** Asks until the answer is yes; the server has no signal for what is asked here. */
async function until(question: () => Promise<boolean>): Promise<void> {
  while (!(await question())) await pause(10);
}

/** Origins belong to the server, so a test of another file may hold it for a moment. */
async function holdOrigin(client: pg.Client): Promise<void> {
  await until(() =>
    client.query('select pg_replication_origin_session_setup($1)', [ORIGIN]).then(
      () => true,
      (error: unknown) => {
        if (error instanceof pg.DatabaseError && error.code === '55006') return false;
        throw error;
      },
    ),
  );
}

/** From now on an update of a row takes a long time. Answers what ends that. */
async function slowWrites(): Promise<() => Promise<void>> {
  await rows(`create function lasts() returns trigger language plpgsql as
    'begin perform pg_sleep(600); return new; end'`);
  await rows('create trigger lasts before update on lenders for each row execute function lasts()');
  return async () => void (await rows('drop trigger lasts on lenders'));
}

const writes = (pid: number) => async () => {
  const found = await rows('select wait_event as event from pg_stat_activity where pid = $1', [pid]);
  return found[0]?.event === 'PgSleep';
};

describe('an execution that finds no free origin', () => {
  test('waits outside of any transaction, holds no lock, and goes on when one is free', async () => {
    const holder = await lender.database.client();
    await holdOrigin(holder);
    const pid = await pidOf(session);
    const applied = apply(session, 1, '1');
    await until(async () => {
      const [seen] = await rows('select query from pg_stat_activity where pid = $1', [pid]);
      return seen?.query.includes('pg_replication_origin_session_setup') === true;
    });
    // A failed attempt is a transaction of its own that is over at once: what it leaves would show in most of these looks.
    for (let look = 0; look < 20; look++) {
      expect(
        await rows(`select state from pg_stat_activity where pid = $1 and state like 'idle in transaction%'`, [pid]),
      ).toEqual([]);
      expect(
        await rows('select relation::regclass from pg_locks where pid = $1 and relation is not null and granted', [
          pid,
        ]),
      ).toEqual([]);
      await pause(5);
    }
    await holder.query('select pg_replication_origin_session_reset()');
    expect(await applied).toMatchObject({ inserted: 1 });
  });
});

describe('an execution that is killed while it holds an origin', () => {
  beforeEach(async () => {
    await apply(session, 1, 'before');
  });

  test('by the server: it can be tried again, the origin is free, and the retry does its work', async () => {
    const quickWrites = await slowWrites();
    const pid = await pidOf(session);
    session.on('error', () => undefined);
    const killed = apply(session, 2, 'after').catch((error: unknown) => error);
    await until(writes(pid));
    await rows('select pg_terminate_backend($1)', [pid]);
    expect(await killed).toBeInstanceOf(RetryableError);
    await quickWrites();

    expect(await rows('select phone from lenders')).toEqual([{ phone: 'before' }]);
    expect(await apply(await lender.session(), 2, 'after')).toMatchObject({ updated: 1, rejected: 0 });
    expect(await rows('select phone from lenders')).toEqual([{ phone: 'after' }]);
  });

  test('with its process: the server notices while the statement is still at work, and the retry does its work', async () => {
    const quickWrites = await slowWrites();
    const child = spawn(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        fileURLToPath(new URL('../../support/postgres/apply-once.ts', import.meta.url)),
        JSON.stringify(lender.credentials),
        'Account',
        JSON.stringify(version('Account', ACCOUNT, 2, { Phone: 'never' })),
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const exited = once(child, 'exit');
    const backends = () =>
      rows(
        `select pid from pg_stat_activity where datname = current_database() and application_name = 'sfsync'
            and wait_event = 'PgSleep'`,
      );
    await until(async () => (await backends()).length === 1);
    child.kill('SIGKILL');
    await exited;
    await until(async () => (await backends()).length === 0);
    const freed = await lender.database.client();
    await holdOrigin(freed);
    await freed.end();
    await quickWrites();

    expect(await apply(session, 2, 'after')).toMatchObject({ updated: 1 });
    expect(await rows('select phone from lenders')).toEqual([{ phone: 'after' }]);
  });

  test('between commit and answer: the retry changes nothing', async () => {
    await apply(session, 2, 'after');
    const before = await rows('select xmin::text as version, * from lenders');
    expect(await apply(await lender.session(), 2, 'after')).toMatchObject({ unchanged: 1, updated: 0, due: false });
    expect(await rows('select xmin::text as version, * from lenders')).toEqual(before);
  });
});

describe('a role that may not call the origin functions', () => {
  beforeEach(async () => {
    await rows(`revoke execute on function pg_replication_origin_session_setup(text) from sfsync_apply`);
  });

  test('marks its transactions by a logical message: the streamer knows them as ours, and check says so', async () => {
    const marked = await lender.session();
    await using queues = await startQueueService();
    await using streamer = startStreamer(lender.database, queues);
    await streamer.streaming();

    expect(await apply(marked, 1, '1')).toMatchObject({ inserted: 1 });
    const { rows: made } = await lender.application.query<{ id: string }>(
      `insert into lenders (name) values ('of the application') returning id`,
    );
    await queues.until(() => queues.messages.length > 0);
    expect(queues.messages.flatMap(({ keys }) => keys.map(([key]) => key))).toEqual([made[0]?.id]);

    const { lines } = describeStatus(
      await readDatabaseStatus(lender.application, configuration, lender.database.name),
      lender.database.name,
    );
    expect(lines.join('\n')).toMatch(/own transactions +marked by logical message/);
  });

  test('does not wait for an origin that another session holds', async () => {
    const marked = await lender.session();
    const holder = await lender.database.client();
    await holdOrigin(holder);
    expect(await apply(marked, 1, '1')).toMatchObject({ inserted: 1 });
  });
});

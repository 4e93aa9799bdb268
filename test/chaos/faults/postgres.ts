/** The database server: killed, replaced, full, and its sessions ended. */
import { setTimeout as pause } from 'node:timers/promises';
import { DEFAULT_NAMES } from '../../../core/contracts/database-names.ts';
import type { Random } from '../plan/random.ts';
import { type Fault, type FaultInForce, type FaultWorld, over } from './fault.ts';
import { slotIsRead } from './processes.ts';

const { slot, applyRole } = DEFAULT_NAMES;

/** Sessions of the system in the server; of the streamer's two the plain one. */
const OURS = `usename in ('${applyRole}', '${DEFAULT_NAMES.streamerRole}') and pid <> pg_backend_pid()`;

export const postgresFaults: readonly Fault[] = [
  {
    name: 'postgres killed',
    about: 'The server and all its processes are killed, and after a while it recovers.',
    lasts: [0, 3_000],
    excludes: ['database', 'slot'],
    weight: 0.5,
    async begin({ server }) {
      await server.kill();
      return {
        detail: 'SIGKILL for all',
        async end() {
          await server.startAgain();
          return { struck: 1 };
        },
      };
    },
  },
  {
    name: 'backend killed',
    about: 'One backend is killed, so that the server ends all sessions and recovers.',
    lasts: [0, 0],
    excludes: ['database', 'slot'],
    weight: 0.5,
    async begin({ server }, random) {
      const sessions = await server.query<{ pid: number; name: string }>(
        `select pid, application_name as name from pg_stat_activity where ${OURS} order by backend_start`,
      );
      if (sessions.length === 0) return over('none was there', 0);
      const { pid, name } = random.pick(sessions);
      const isKilled = kill(pid);
      await untilItAnswers(server);
      return over(name, isKilled ? 1 : 0);
    },
  },
  failover('failover with the slot', 'carried'),
  failover('failover without the slot', 'lost'),
  {
    name: 'commits held back',
    about: 'A synchronous standby does not answer: commits are in the WAL, and nobody sees them yet.',
    lasts: [500, 3_000],
    excludes: ['database', 'slot'],
    async begin({ server }) {
      // A setting can be written while commits wait; only the owner's session of old has to be without it.
      await setting(server, `alter system set synchronous_standby_names = 'nobody'`);
      return {
        detail: 'synchronous_standby_names',
        async end() {
          await setting(server, 'alter system reset synchronous_standby_names');
          return { struck: 1 };
        },
      };
    },
  },
  ending('sessions ended', `${OURS} and backend_type = 'client backend'`),
  ending('walsender ended', `backend_type = 'walsender' and pid <> pg_backend_pid()`),
  {
    name: 'connection limit reached',
    about: "The Lambdas' role may open no more sessions, and those that it has are ended.",
    lasts: [500, 4_000],
    excludes: ['database'],
    async begin({ server }, random) {
      const limit = random.integer(0, 2);
      await server.query(`alter role ${applyRole} connection limit ${limit}`);
      await server.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = '${applyRole}'`);
      return {
        detail: `${limit} sessions`,
        async end() {
          await server.query(`alter role ${applyRole} connection limit -1`);
          return undefined;
        },
      };
    },
  },
];

function failover(name: string, is: 'carried' | 'lost'): Fault {
  return {
    name,
    about: `A synchronous standby is promoted in place of the server, which has died; the slot is ${is}.`,
    lasts: [0, 0],
    excludes: ['database', 'slot', 'streamer', 'system'],
    weight: 0.15,
    async begin(world, random): Promise<FaultInForce> {
      const isDone = await world.server.failOver({ name: slot, is }, () => pause(random.integer(0, 1_500)));
      if (!isDone) return over('no standby came to be', 0);
      return {
        detail: `the slot is ${is}`,
        async end() {
          if (is === 'lost') await world.sfsync('recover-slot');
          await slotIsRead(world);
          return { struck: 1 };
        },
      };
    },
  };
}

/** Sessions are ended again and again, as long as it is in force. */
function ending(name: string, which: string): Fault {
  return {
    name,
    about: `${name}: pg_terminate_backend, again and again.`,
    lasts: [0, 3_000],
    excludes: ['database'],
    async begin({ server }, random: Random) {
      const every = random.integer(100, 900);
      const sql = `select pg_terminate_backend(pid) from pg_stat_activity where ${which}`;
      let struck = (await server.query(sql)).length;
      let isOver = false;
      const going = (async () => {
        while (!isOver) {
          await pause(every);
          if (!isOver) struck += (await server.query(sql).catch(() => [])).length;
        }
      })();
      return {
        detail: `every ${every} ms`,
        async end() {
          isOver = true;
          await going;
          return { struck };
        },
      };
    },
  };
}

async function setting(server: FaultWorld['server'], sql: string): Promise<void> {
  await server.withOwner(async (client) => {
    await client.query('set synchronous_commit = local');
    await client.query(sql);
    await client.query('select pg_reload_conf()');
  });
}

async function untilItAnswers(server: FaultWorld['server']): Promise<void> {
  for (;;) {
    // While it recovers it refuses.
    if ((await server.query('select 1').catch(() => [])).length > 0) return;
    await pause(50);
  }
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

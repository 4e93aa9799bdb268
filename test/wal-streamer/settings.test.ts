import { expect, test } from 'vitest';
import { DEFAULT_NAMES, databaseNames } from '../../core/contracts/database-names.ts';
import { ConfigurationError } from '../../core/errors.ts';
import configuration from '../../examples/lender/sync.config.ts';
import { readSettings } from '../../wal-streamer/settings.ts';

const queues = { Account: 'http://q/Account', Contact: 'http://q/Contact', Opportunity: 'http://q/Opportunity' };
const env = {
  PGHOST: 'db.example.com',
  PGDATABASE: 'portal',
  PGUSER: 'sfsync_streamer',
  PGPASSWORD: 'hush',
  CHANGE_QUEUE_URLS: JSON.stringify(queues),
};

test('reads the environment', () => {
  expect(
    readSettings({ ...env, PGPORT: '6432', PGSSLMODE: 'verify-full', HEARTBEAT_FILE: '/tmp/beat' }, configuration),
  ).toEqual({
    name: 'sfsync',
    names: DEFAULT_NAMES,
    database: {
      host: 'db.example.com',
      port: 6432,
      database: 'portal',
      user: 'sfsync_streamer',
      password: 'hush',
      ssl: true,
    },
    queueUrls: queues,
    heartbeatFile: '/tmp/beat',
    slot: 'sfsync',
  });
});

test('reports all faults together, and no secret', () => {
  const faulty = {
    ...env,
    PGHOST: undefined,
    PGPORT: 'x',
    CHANGE_QUEUE_URLS: '{',
    PGDATABASE: '',
    REPLICATION_SLOT: 'No',
  };
  const error = catching(() => readSettings(faulty, configuration));
  expect(error).toBeInstanceOf(ConfigurationError);
  expect(error.message.split('\n')).toEqual([
    "The streamer's environment has 5 fault(s):",
    '  - PGHOST: is not set',
    '  - PGPORT: must be a port',
    '  - PGDATABASE: is empty',
    '  - CHANGE_QUEUE_URLS: must be JSON such as {"Contact":"https://sqs.../Contact"}',
    '  - REPLICATION_SLOT: must be the name of a slot',
  ]);
  expect(error.message).not.toContain('hush');
});

test('wants a queue for every object', () => {
  const error = catching(() => readSettings({ ...env, CHANGE_QUEUE_URLS: '{"Account":"http://q/a"}' }, configuration));
  expect(error).toMatchObject({ name: 'ConfigurationError', code: 'ENVIRONMENT' });
  expect(error.message.split('\n')).toEqual([
    "The streamer's environment has 2 fault(s):",
    '  - CHANGE_QUEUE_URLS: has no queue for Contact',
    '  - CHANGE_QUEUE_URLS: has no queue for Opportunity',
  ]);
});

test('what is not said has a default; the name of a deployment gives all others theirs', () => {
  const { database, heartbeatFile, slot } = readSettings(env, configuration);
  expect(database).toMatchObject({ port: 5432, ssl: false });
  expect([heartbeatFile, slot]).toEqual([undefined, DEFAULT_NAMES.slot]);
  const other = readSettings({ ...env, SFSYNC_NAME: 'sfsync-test' }, configuration);
  expect(other).toMatchObject({ name: 'sfsync-test', names: databaseNames('sfsync-test') });
  expect(other.slot).toBe(databaseNames('sfsync-test').slot);
  expect(readSettings({ ...env, REPLICATION_SLOT: 'a_slot_2' }, configuration).slot).toBe('a_slot_2');
});

test.each([
  ['disable', false],
  ['prefer', false],
  ['require', { rejectUnauthorized: false }],
  ['no-verify', { rejectUnauthorized: false }],
  ['verify-ca', true],
  ['verify-full', true],
])('PGSSLMODE %s, as libpq has it', (PGSSLMODE, ssl) => {
  expect(readSettings({ ...env, PGSSLMODE }, configuration).database.ssl).toEqual(ssl);
});

test.each([
  ['PGHOST', '', 'is empty'],
  ['PGDATABASE', undefined, 'is not set'],
  ['PGUSER', '', 'is empty'],
  ['PGPASSWORD', undefined, 'is not set'],
  ['PGPORT', '0', ''],
  ['PGPORT', '65536', ''],
  ['PGPORT', '5432.5', ''],
  ['PGSSLMODE', 'allow', ''],
  ['HEARTBEAT_FILE', '', ''],
  ['SFSYNC_NAME', 'No Name', ''],
  ['REPLICATION_SLOT', '', 'must be the name of a slot'],
  ['REPLICATION_SLOT', 'a-slot', 'must be the name of a slot'],
  ['REPLICATION_SLOT', 'a_slot!', 'must be the name of a slot'],
  ['REPLICATION_SLOT', 'a'.repeat(64), 'must be the name of a slot'],
  ['CHANGE_QUEUE_URLS', undefined, 'is not set'],
  ['CHANGE_QUEUE_URLS', '{"Account":"no address"}', 'must be JSON such as'],
])('%s=%s is refused', (variable, value, reason) => {
  const error = catching(() => readSettings({ ...env, [variable]: value }, configuration));
  expect(error.message).toContain(`has 1 fault(s):\n  - ${variable}: ${reason}`);
});

test.each(['1', '65535'])('port %s is one', (PGPORT) => {
  expect(readSettings({ ...env, PGPORT }, configuration).database.port).toBe(Number(PGPORT));
});

test('a slot may have 63 letters', () => {
  const REPLICATION_SLOT = 'a'.repeat(63);
  expect(readSettings({ ...env, REPLICATION_SLOT }, configuration).slot).toBe(REPLICATION_SLOT);
});

function catching(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

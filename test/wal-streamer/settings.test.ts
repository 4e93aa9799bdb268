import { expect, test } from 'vitest';
import { DEFAULT_NAMES } from '../../core/contracts/database-names.ts';
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
  expect(error.message).toContain('has no queue for Contact');
  expect(error.message).toContain('has no queue for Opportunity');
});

function catching(work: () => unknown): Error {
  try {
    work();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

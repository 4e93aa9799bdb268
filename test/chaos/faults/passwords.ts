/** Passwords are rotated while everything is at work. */
import { randomBytes } from 'node:crypto';
import { DEFAULT_NAMES } from '../../../core/contracts/database-names.ts';
import type { Fault, FaultWorld } from './fault.ts';
import { slotIsRead } from './processes.ts';

const { applyRole, streamerRole } = DEFAULT_NAMES;
const ROLES = [
  { role: applyRole, secret: 'sfsync/database' },
  { role: streamerRole, secret: 'sfsync/streamer' },
] as const;

export const passwordFaults: readonly Fault[] = [
  {
    name: 'password rotated',
    about: 'A role gets another password, its sessions are ended, and its secret follows a moment later.',
    lasts: [0, 1_500],
    excludes: ['database', 'system', 'streamer'],
    weight: 0.5,
    async begin(world, random) {
      const { role, secret } = random.pick(ROLES);
      const password = randomBytes(18).toString('base64url');
      const { server } = world;
      await server.query(`alter role ${role} password '${password}'`);
      await server.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = '${role}'`);
      return {
        detail: role,
        async end() {
          await putPassword(world, secret, password);
          if (role === streamerRole) await slotIsRead(world);
          return { struck: 1 };
        },
      };
    },
  },
];

async function putPassword(world: FaultWorld, SecretId: string, password: string): Promise<void> {
  const { SecretString } = await world.call<{ SecretString: string }>('secretsmanager', 'GetSecretValue', { SecretId });
  const value = { ...JSON.parse(SecretString), password };
  await world.call('secretsmanager', 'PutSecretValue', { SecretId, SecretString: JSON.stringify(value) });
}

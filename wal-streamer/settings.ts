/** The streamer's environment, read once. */
import { z } from 'zod';
import { type DatabaseNames, databaseNames } from '../core/contracts/database-names.ts';
import { DEFAULT_NAME, deploymentName } from '../core/contracts/deployment-name.ts';
import { ConfigurationError } from '../core/errors.ts';
import type { SyncConfiguration } from '../core/mapping/configuration.ts';

const required = z.string({ error: 'is not set' }).min(1, 'is empty');

const queueUrls = z.string({ error: 'is not set' }).transform((text, context) => {
  const parsed = z.record(z.string(), z.url()).safeParse(json(text));
  if (parsed.success) return parsed.data;
  context.addIssue('must be JSON such as {"Contact":"https://sqs.../Contact"}');
  return z.NEVER;
});

const environment = z.object({
  PGHOST: required,
  PGPORT: z.coerce.number({ error: 'must be a port' }).int().min(1).max(65_535).default(5432),
  PGDATABASE: required,
  PGUSER: required,
  PGPASSWORD: required,
  /** As libpq has it. RDS: verify-full, with the RDS certificates in NODE_EXTRA_CA_CERTS. */
  PGSSLMODE: z.enum(['disable', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify']).default('disable'),
  CHANGE_QUEUE_URLS: queueUrls,
  HEARTBEAT_FILE: z.string().min(1).optional(),
  SFSYNC_NAME: deploymentName.default(DEFAULT_NAME),
  REPLICATION_SLOT: z
    .string()
    .regex(/^[a-z0-9_]{1,63}$/, 'must be the name of a slot')
    .optional(),
});

export interface StreamerSettings {
  /** Of the deployment. */
  readonly name: string;
  readonly database: {
    readonly host: string;
    readonly port: number;
    readonly database: string;
    readonly user: string;
    readonly password: string;
    readonly ssl: boolean | { readonly rejectUnauthorized: boolean };
  };
  /** By object. */
  readonly queueUrls: Readonly<Record<string, string>>;
  readonly heartbeatFile: string | undefined;
  readonly slot: string;
  readonly names: DatabaseNames;
}

/** Throws one ConfigurationError that lists every fault; no value of the environment is in it. */
export function readSettings(
  env: Readonly<Record<string, string | undefined>>,
  configuration: SyncConfiguration,
): StreamerSettings {
  const parsed = environment.safeParse(env);
  if (!parsed.success) {
    throw faulty(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`));
  }
  const variables = parsed.data;
  const missing = configuration.objects.filter(({ object }) => variables.CHANGE_QUEUE_URLS[object] === undefined);
  if (missing.length > 0) {
    throw faulty(missing.map(({ object }) => `CHANGE_QUEUE_URLS: has no queue for ${object}`));
  }
  const names = databaseNames(variables.SFSYNC_NAME);
  return Object.freeze({
    name: variables.SFSYNC_NAME,
    names,
    database: {
      host: variables.PGHOST,
      port: variables.PGPORT,
      database: variables.PGDATABASE,
      user: variables.PGUSER,
      password: variables.PGPASSWORD,
      ssl: tls(variables.PGSSLMODE),
    },
    queueUrls: variables.CHANGE_QUEUE_URLS,
    heartbeatFile: variables.HEARTBEAT_FILE,
    slot: variables.REPLICATION_SLOT ?? names.slot,
  });
}

/** `require` encrypts without checking who answers, as in libpq. */
function tls(mode: z.output<typeof environment>['PGSSLMODE']): StreamerSettings['database']['ssl'] {
  if (mode === 'disable' || mode === 'prefer') return false;
  return mode === 'verify-ca' || mode === 'verify-full' ? true : { rejectUnauthorized: false };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function faulty(faults: readonly string[]): ConfigurationError {
  const list = faults.map((fault) => `  - ${fault}`).join('\n');
  return new ConfigurationError('ENVIRONMENT', `The streamer's environment has ${faults.length} fault(s):\n${list}`);
}

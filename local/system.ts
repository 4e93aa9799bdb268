import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { SyncConfiguration } from '../core/configuration.ts';
import { APPLY_ROLE, SLOT, STREAMER_ROLE } from '../core/database-names.ts';
import { connectByOAuth, type SalesforceConnection } from './aws/appflow/salesforce-connection.ts';
import type { Journal, JournalEntry, ServiceName } from './aws/service.ts';
import { openStore } from './aws/store.ts';
import { journalContainer } from './container-journal.ts';
import { type LocalCredentials, localCredentials } from './credentials.ts';
import { openEmbeddedAws, REGION, type RunningAws } from './embedded-aws.ts';
import { type Endpoints, removeEndpoints, resourcesOf, writeEndpoints } from './endpoints.ts';
import { ProcessHost } from './host/process-host.ts';
import { synthesise } from './host/synthesis.ts';
import { LOCK_FILE, lockDirectory } from './lock.ts';
import { LENDER_ORG } from './org-simulator/lender-org.ts';
import { lenderSeed } from './org-simulator/lender-seed.ts';
import { type OrgSimulator, startOrgSimulator } from './org-simulator/org-simulator.ts';
import { onFreePort } from './ports.ts';
import { type Database, prepareDatabase, reachDatabase, slotIsRead, startDatabase } from './postgres/database.ts';
import { removeServerFiles } from './postgres/server-files.ts';
import { Shutdown } from './shutdown.ts';
import { CONNECTION_NAME, deployStack } from './stack.ts';

/** Ran as it would be deployed: 60 s of a schedule last this long. */
const MINUTE_MS = 60_000;
const USUAL_AWS_PORT = 4566;
const USUAL_ORG_PORT = 8800;
/** The streamer connects within a second; a busy machine may take longer. */
const STREAMING_TIMEOUT_MS = 30_000;
const PROJECT = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '');

export interface LocalOptions {
  /** Holds everything that a run leaves. @default `.local` of the project */
  readonly directory?: string;
  /** How long a minute of the schedules lasts, in milliseconds. @default 5,000 */
  readonly pollMs?: number;
  /** Forget what earlier runs left. @default false */
  readonly fresh?: boolean;
  /** A database of one's own, to which its owner connects; otherwise the packaged server is started. */
  readonly databaseUrl?: string | undefined;
  /** Told of everything that the journal records, from the first moment on. */
  readonly onEntry?: (entry: JournalEntry) => void;
  /** Runs each step of the start, to show it. */
  readonly step?: <T>(name: string, work: () => Promise<T>) => Promise<T>;
  /** Aborted: what has been started is ended, and `startLocal` rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The whole system, running. */
export interface LocalSystem {
  readonly endpoints: Endpoints;
  /** Holds `endpoints.json`, `notifications.jsonl` and `logs/`. */
  readonly directory: string;
  readonly configuration: SyncConfiguration;
  readonly journal: Journal;
  /** Calls an AWS operation as the person at the terminal. */
  call<Output = unknown>(service: ServiceName, operation: string, input: object): Promise<Output>;
  /** Sends a signal to a container's process, by default SIGKILL: `wal-streamer` is started again, as ECS would. */
  kill(container: string, signal?: NodeJS.Signals): void;
  /** Ends everything and waits until nothing is left; called again it answers the same promise. */
  stop(): Promise<void>;
}

/**
 * Starts everything on this machine and answers when all of it does. Where an earlier run stopped, it goes on. Sets the
 * process's time zone to UTC, which the Lambdas' threads share with it. When a part does not start, whatever was started
 * is ended, and the part's error is thrown (ConfigurationError, DirectoryInUse, DatabaseUnavailable, TemplateFault, Error).
 */
export async function startLocal(options: LocalOptions = {}): Promise<LocalSystem> {
  const directory = options.directory ?? join(PROJECT, '.local');
  // First of all: faults in it are told before anything is touched.
  const { default: configuration } = await import('../sync.config.ts');
  process.env.TZ = 'UTC';
  const shutdown = new Shutdown();
  try {
    shutdown.add('lock', lockDirectory(directory));
    if (options.fresh === true) await forget(directory);
    return await new Start(options, configuration, directory, shutdown).run();
  } catch (error) {
    await shutdown.run().catch((second: unknown) => {
      throw new AggregateError([error, second], `${messageOf(error)}\n${messageOf(second)}`);
    });
    throw options.signal?.aborted === true ? options.signal.reason : error;
  }
}

/** Removes everything but the lock that is held. */
async function forget(directory: string): Promise<void> {
  await removeServerFiles(directory);
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(LOCK_FILE)) rmSync(join(directory, name), { recursive: true, force: true });
  }
}

/** One start: the parts in the order in which they need each other, what is independent at the same time. */
class Start {
  readonly #options: LocalOptions;
  readonly #configuration: SyncConfiguration;
  readonly #directory: string;
  readonly #logs: string;
  readonly #shutdown: Shutdown;
  readonly #credentials: LocalCredentials;
  readonly #ports: RememberedPorts;
  /** What the journal is told before the embedded AWS, and with it the journal, is there. */
  #journal: Journal | undefined;

  constructor(options: LocalOptions, configuration: SyncConfiguration, directory: string, shutdown: Shutdown) {
    this.#options = options;
    this.#configuration = configuration;
    this.#directory = directory;
    this.#logs = join(directory, 'logs');
    this.#shutdown = shutdown;
    removeEndpoints(directory);
    mkdirSync(this.#logs, { recursive: true });
    this.#credentials = localCredentials(directory);
    this.#ports = new RememberedPorts(join(directory, 'ports.json'));
  }

  async run(): Promise<LocalSystem> {
    // An own database that is away is told before anything else is started.
    const own = this.#options.databaseUrl;
    const reached = own === undefined ? undefined : await this.#step('PostgreSQL', () => reachDatabase(own));
    const [, org, database] = await allEnded([
      this.#step('template', () => this.#synthesise()),
      this.#step('Salesforce org', () => this.#startOrg()),
      this.#database(reached),
    ]);
    const running = await this.#step('embedded AWS', () => this.#openAws(org));
    const containers = this.#containers(running);
    const outputs = await this.#step('resources of the template', () => {
      const surroundings = {
        databaseUrl: database.url,
        applyPassword: this.#credentials.apply,
        streamerPassword: this.#credentials.streamer,
        applyRole: APPLY_ROLE,
        streamerRole: STREAMER_ROLE,
        salesforce: loginOf(org),
      };
      return deployStack(running, containers, surroundings, this.#directory);
    });
    const objects = this.#configuration.objects.map(({ object }) => object);
    const endpoints = endpointsOf(running, database, org, resourcesOf(outputs, objects));
    await this.#step('WAL streamer', async () => {
      await running.start();
      await containers.start();
      await slotIsRead(database.url, SLOT, STREAMING_TIMEOUT_MS, this.#options.signal ?? new AbortController().signal);
    });
    this.#shutdown.add('endpoints.json', () => removeEndpoints(this.#directory));
    writeEndpoints(this.#directory, endpoints);
    return {
      endpoints,
      directory: this.#directory,
      configuration: this.#configuration,
      journal: running.journal,
      call: (service, operation, input) => running.aws.call(service, operation, input),
      kill: (container, signal = 'SIGKILL') => containers.kill(container, signal),
      stop: () => this.#shutdown.run(),
    };
  }

  /** A step of the start; none is begun once the start is given up. */
  async #step<T>(name: string, work: () => Promise<T>): Promise<T> {
    this.#options.signal?.throwIfAborted();
    const { step = (_name, run) => run() } = this.#options;
    const result = await step(name, work);
    this.#options.signal?.throwIfAborted();
    return result;
  }

  async #synthesise(): Promise<void> {
    await synthesise({ projectDirectory: PROJECT, outputDirectory: join(this.#directory, 'cdk.out') });
  }

  async #database(reached: Database | undefined): Promise<Database> {
    const database = reached ?? (await this.#step('PostgreSQL', () => this.#startDatabase()));
    await this.#step('database schema', () => prepareDatabase(database.url, this.#credentials, PROJECT));
    return database;
  }

  async #startDatabase(): Promise<Database> {
    const database = await startDatabase({
      stateDirectory: this.#directory,
      logDirectory: this.#logs,
      credentials: this.#credentials,
      port: this.#ports.get('postgres'),
      onDeath: (reason) => {
        const text = `the server ended (${reason}); it is started again`;
        this.#journal?.record({ kind: 'fault', subject: 'PostgreSQL', text });
      },
    });
    this.#shutdown.add('PostgreSQL', () => database.stop());
    this.#ports.set('postgres', database.port);
    return database;
  }

  async #startOrg(): Promise<OrgSimulator> {
    const store = openStore(join(this.#directory, 'org.sqlite'));
    this.#shutdown.add("the org's records", () => store.close());
    const org = await onFreePort(this.#ports.before('org', USUAL_ORG_PORT), (port) =>
      startOrgSimulator({ port, store, objects: LENDER_ORG, seed: lenderSeed }),
    );
    this.#shutdown.add('Salesforce org', () => org.stop());
    this.#ports.set('org', Number(new URL(org.instanceUrl).port));
    return org;
  }

  async #openAws(org: OrgSimulator): Promise<RunningAws> {
    const running = await openEmbeddedAws({
      stateDirectory: this.#directory,
      logDirectory: this.#logs,
      timeScale: MINUTE_MS / (this.#options.pollMs ?? 5_000),
      ports: this.#ports.before('aws', USUAL_AWS_PORT),
      connections: connectionsOf(org),
    });
    this.#shutdown.add('embedded AWS', () => running.stop());
    this.#journal = running.journal;
    if (this.#options.onEntry !== undefined) running.journal.subscribe(this.#options.onEntry);
    this.#ports.set('aws', Number(new URL(running.aws.origin).port));
    return running;
  }

  #containers({ aws, iam, journal }: RunningAws): ProcessHost {
    const containers = new ProcessHost({
      projectDirectory: PROJECT,
      logDirectory: this.#logs,
      scratchDirectory: join(this.#directory, 'scratch'),
      processesFile: join(this.#directory, 'processes.json'),
      awsEnvironment: (roleArn) => {
        const { accessKeyId, secretAccessKey } = iam.credentialsFor(roleArn);
        return {
          AWS_REGION: REGION,
          AWS_ENDPOINT_URL: aws.origin,
          AWS_ACCESS_KEY_ID: accessKeyId,
          AWS_SECRET_ACCESS_KEY: secretAccessKey,
          AWS_CONFIG_FILE: join(this.#directory, 'scratch', 'no-profiles'),
          AWS_SHARED_CREDENTIALS_FILE: join(this.#directory, 'scratch', 'no-profiles'),
        };
      },
      secret: async (SecretId, principal) => {
        type Value = { SecretString: string };
        const value = await aws.call<Value>('secretsmanager', 'GetSecretValue', { SecretId }, { principal });
        return value.SecretString;
      },
      onEvent: (container, event) => journalContainer(journal, container, event),
    });
    this.#shutdown.add('containers', () => containers.stop());
    return containers;
  }
}

/** Ports of the run before: addresses that somebody noted keep working. */
class RememberedPorts {
  readonly #file: string;
  readonly #ports: Record<string, number>;

  constructor(file: string) {
    this.#file = file;
    const content: unknown = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
    this.#ports = z.record(z.string(), z.number()).parse(content);
  }

  get(name: string): number | undefined {
    return this.#ports[name];
  }

  /** What to try first. */
  before(name: string, usual: number): readonly number[] {
    return [this.get(name), usual].filter((port) => port !== undefined);
  }

  set(name: string, port: number): void {
    this.#ports[name] = port;
    writeFileSync(this.#file, JSON.stringify(this.#ports));
  }
}

/** The connection of the template's flows, and no other. */
function connectionsOf(org: OrgSimulator): (name: string) => Promise<SalesforceConnection> {
  let connected: Promise<SalesforceConnection> | undefined;
  return async (name) => {
    if (name !== CONNECTION_NAME) throw new Error(`there is no connection ${name} here, only ${CONNECTION_NAME}`);
    const { instanceUrl: loginUrl, ...login } = loginOf(org);
    connected ??= connectByOAuth({ loginUrl, ...login }).catch((error: unknown) => {
      // The next run tries again.
      connected = undefined;
      throw error;
    });
    return connected;
  };
}

function loginOf({ instanceUrl, clientId, clientSecret, refreshToken }: OrgSimulator) {
  return { instanceUrl, clientId, clientSecret, refreshToken };
}

function endpointsOf(
  { aws }: RunningAws,
  database: Database,
  { instanceUrl, accessToken, clientId, clientSecret }: OrgSimulator,
  resources: Readonly<Record<string, string>>,
): Endpoints {
  return {
    // Any key that is not a role's is the person's, and the secret is not checked.
    aws: { endpoint: aws.origin, region: REGION, accessKeyId: 'AKIALOCALPERSON', secretAccessKey: 'local' },
    postgres: { url: database.url },
    salesforce: { instanceUrl, accessToken, clientId, clientSecret },
    resources,
  };
}

/** Like Promise.all, but it waits for all of them also when one fails: whatever starts has started when it is ended. */
async function allEnded<T extends readonly unknown[]>(
  work: readonly [...{ [K in keyof T]: Promise<T[K]> }],
): Promise<T> {
  await Promise.allSettled(work);
  return (await Promise.all(work)) as unknown as T;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

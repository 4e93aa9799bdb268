import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_NAMES } from '../core/contracts/database-names.ts';
import {
  type Journal,
  onFreePort,
  openEmbeddedAws,
  openStore,
  REGION,
  type RunningAws,
} from '../packages/embedded-aws/embedded-aws.ts';
import { type OrgSimulator, startOrgSimulator } from '../packages/salesforce-simulator/org-simulator.ts';
import { journalContainer } from './container-journal.ts';
import { type LocalCredentials, localCredentials } from './credentials.ts';
import { type Endpoints, removeEndpoints, resourcesOf, writeEndpoints } from './endpoints.ts';
import { ProcessHost } from './host/process-host.ts';
import { synthesise } from './host/synthesis.ts';
import { connectionsOf, loginOf } from './org-connection.ts';
import { entryFile, PACKAGE_ROOT } from './package-root.ts';
import { type Database, prepareDatabase, reachDatabase, slotIsRead, startDatabase } from './postgres/database.ts';
import type { Project } from './project.ts';
import { RememberedPorts } from './remembered-ports.ts';
import type { Shutdown } from './shutdown.ts';
import { deployStack } from './stack.ts';
import type { LocalOptions, LocalSystem } from './system.ts';

/** Ran as it would be deployed: 60 s of a schedule last this long. */
const MINUTE_MS = 60_000;
const USUAL_AWS_PORT = 4566;
const SHORTEST_ALARM_MINUTE_MS = 5_000;
const USUAL_ORG_PORT = 8800;
/** The streamer connects within a second; a busy machine may take longer. */
const STREAMING_TIMEOUT_MS = 30_000;

/** One start: the parts in the order in which they need each other, what is independent at the same time. */
export class Start {
  readonly #options: LocalOptions;
  readonly #project: Project;
  readonly #directory: string;
  readonly #logs: string;
  readonly #shutdown: Shutdown;
  readonly #credentials: LocalCredentials;
  readonly #ports: RememberedPorts;
  /** Undefined until the embedded AWS, and with it the journal, is there. */
  #journal: Journal | undefined;

  constructor(options: LocalOptions, project: Project, directory: string, shutdown: Shutdown) {
    this.#options = options;
    this.#project = project;
    this.#directory = directory;
    this.#logs = join(directory, 'logs');
    this.#shutdown = shutdown;
    removeEndpoints(directory);
    mkdirSync(this.#logs, { recursive: true });
    this.#credentials = localCredentials(directory);
    this.#ports = new RememberedPorts(join(directory, 'ports.json'));
  }

  async run(): Promise<LocalSystem> {
    // A database of DATABASE_URL that is away is reported before anything else is started.
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
        applyRole: DEFAULT_NAMES.applyRole,
        streamerRole: DEFAULT_NAMES.streamerRole,
        salesforce: loginOf(org),
      };
      return deployStack(running, containers, surroundings, this.#directory);
    });
    const { objects } = this.#project.configuration;
    const endpoints = endpointsOf(running, database, org, resourcesOf(outputs, objects));
    await this.#step('WAL streamer', async () => {
      await running.start();
      await containers.start();
      await slotIsRead(database.url, DEFAULT_NAMES.slot, {
        timeoutMs: STREAMING_TIMEOUT_MS,
        signal: this.#options.signal,
        log: join(this.#logs, 'wal-streamer.log'),
      });
    });
    this.#shutdown.add('endpoints.json', () => removeEndpoints(this.#directory));
    writeEndpoints(this.#directory, endpoints);
    return {
      endpoints,
      directory: this.#directory,
      configuration: this.#project.configuration,
      notes: this.#project.org.notes,
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
    await synthesise({
      packageRoot: PACKAGE_ROOT,
      app: entryFile('infra/app'),
      configurationFile: this.#project.configurationFile,
      outputDirectory: join(this.#directory, 'cdk.out'),
    });
  }

  async #database(reached: Database | undefined): Promise<Database> {
    const database = reached ?? (await this.#step('PostgreSQL', () => this.#startDatabase()));
    await this.#step('database schema', () => prepareDatabase(database.url, this.#credentials, this.#project));
    return database;
  }

  async #startDatabase(): Promise<Database> {
    const database = await startDatabase({
      name: this.#project.name,
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
    const { objects, stages, seed } = this.#project.org;
    const org = await onFreePort(this.#ports.before('org', USUAL_ORG_PORT), (port) =>
      startOrgSimulator({ port, store, objects, seed, ...(stages && { stages }) }),
    );
    this.#shutdown.add('Salesforce org', () => org.stop());
    this.#ports.set('org', Number(new URL(org.instanceUrl).port));
    return org;
  }

  async #openAws(org: OrgSimulator): Promise<RunningAws> {
    const { pollMs = 5_000 } = this.#options;
    const running = await openEmbeddedAws({
      stateDirectory: this.#directory,
      logDirectory: this.#logs,
      timeScale: MINUTE_MS / pollMs,
      alarmScale: MINUTE_MS / (this.#options.alarmMinuteMs ?? Math.max(pollMs, SHORTEST_ALARM_MINUTE_MS)),
      // This org's AppFlow is as the configuration says that it is.
      quirks: { blankCells: this.#project.configuration.objects[0]?.blankCells ?? 'keep' },
      ports: this.#ports.before('aws', USUAL_AWS_PORT),
      connections: connectionsOf(org),
    });
    this.#shutdown.add('embedded AWS', () => running.stop());
    this.#journal = running.journal;
    if (this.#options.onEntry !== undefined) running.journal.subscribe(this.#options.onEntry);
    this.#ports.set('aws', Number(new URL(running.aws.origin).port));
    return running;
  }

  #containers({ aws, iam, journal, logs, cloudWatch }: RunningAws): ProcessHost {
    const containers = new ProcessHost({
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
      onEvent: (container, event, logGroup) => {
        journalContainer(journal, container, event);
        if (logGroup !== undefined && event.kind === 'line') logs.write(logGroup, event.line);
      },
    });
    cloudWatch.sample(() => containers.metrics());
    this.#shutdown.add('containers', () => containers.stop());
    return containers;
  }
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

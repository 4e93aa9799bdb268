/** The world of a run: a copy of the project, the database server, and the system under test in a process of its own. */
import { execFile } from 'node:child_process';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import type { SyncConfiguration } from '../../../core/mapping/configuration.ts';
import type { Endpoints } from '../../../local/endpoints.ts';
import type { ServiceName } from '../../../packages/embedded-aws/embedded-aws.ts';
import { copyProject, type Overlay, type ProjectCopy } from '../../support/system/project-copy.ts';
import { ChaosDatabase } from '../faults/database/chaos-database.ts';
import { failpointOverlay } from '../faults/failpoint-overlay.ts';
import type { FaultWorld } from '../faults/fault.ts';
import { shortenVisibility } from '../faults/queues.ts';
import type { ChaosObject } from '../plan/objects.ts';
import { configurationText, SCHEMA } from './configuration.ts';
import { COPY_PREFIX, removeLeftovers } from './leftovers.ts';
import { laidWith } from './overlays.ts';
import { recordRows } from './recording.ts';
import { SystemUnderTest } from './system-under-test.ts';

/** A minute of the schedules. */
const POLL_MS = 1_000;

export interface WorldOptions {
  readonly objects: readonly ChaosObject[];
  /** A planted bug. @default none */
  readonly overlays?: Readonly<Record<string, Overlay>>;
}

export class World implements FaultWorld {
  readonly project: ProjectCopy;
  readonly server: ChaosDatabase;
  /** Sessions of the owner of the tables. */
  readonly pool: pg.Pool;
  readonly failpointDirectory: string;
  #system: SystemUnderTest;
  #endpoints: Endpoints;
  #configuration: SyncConfiguration;

  private constructor(
    project: ProjectCopy,
    server: ChaosDatabase,
    system: SystemUnderTest,
    configuration: SyncConfiguration,
  ) {
    this.project = project;
    this.server = server;
    this.pool = new pg.Pool({ connectionString: server.url, max: 24, connectionTimeoutMillis: 5_000 });
    // An idle session that the server ends reports it here; the pool makes another one.
    this.pool.on('error', () => undefined);
    this.failpointDirectory = failpointsOf(project);
    this.#system = system;
    this.#endpoints = system.endpoints;
    this.#configuration = configuration;
  }

  /** Starts everything, and the recording of versions on both sides. */
  static async open({ objects, overlays = {} }: WorldOptions): Promise<World> {
    await removeLeftovers();
    const project = await copyProject({
      configuration: configurationText(objects),
      schema: SCHEMA,
      overlays: laidWith(overlays),
      prefix: `${COPY_PREFIX}${process.pid}-`,
    });
    let server: ChaosDatabase | undefined;
    try {
      await mkdir(failpointsOf(project), { recursive: true });
      const { file, text } = failpointOverlay(failpointsOf(project));
      await writeFile(join(project.directory, file), text);
      server = await ChaosDatabase.start();
      const system = await SystemUnderTest.start(settingsOf(project, server));
      const world = new World(project, server, system, await configurationOf(project));
      await shortenVisibility(world);
      await world.org('POST', 'versions');
      await recordRows(world.pool, objects);
      return world;
    } catch (error) {
      await server?.stop();
      throw error;
    }
  }

  get endpoints(): Endpoints {
    return this.#endpoints;
  }

  get configuration(): SyncConfiguration {
    return this.#configuration;
  }

  /** Of the system: what it leaves. */
  get directory(): string {
    return this.project.stateDirectory;
  }

  get isUp(): boolean {
    return this.#system.isRunning;
  }

  resource(name: string): string {
    const found = this.#endpoints.resources[name];
    if (found === undefined) throw new Error(`There is no resource ${name}`);
    return found;
  }

  /** Calls an operation of the embedded AWS as the person at the terminal. */
  async call<Output = unknown>(service: ServiceName, operation: string, input: object): Promise<Output> {
    return (await this.#system.command('aws', { service, operation, input })) as Output;
  }

  /** Runs a hook (hooks.ts) in the system's process. */
  command(name: string, input: unknown): Promise<unknown> {
    return this.#system.command(name, input);
  }

  /** Looks into the org, or switches its faults: what is below `/_simulator/`. */
  async org<Output = unknown>(method: string, path: string, body?: object): Promise<Output> {
    const url = new URL(`/_simulator/${path}`, this.#endpoints.salesforce.instanceUrl);
    const answer = await fetch(url, { method, ...(body && { body: JSON.stringify(body) }) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Output;
  }

  /** Runs `sfsync <words>` as an operator would; answers what it printed. Throws where it fails. */
  async sfsync(...words: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [join(this.project.directory, 'cli/sfsync.ts'), '--config', this.project.configurationFile, ...words],
      {
        cwd: this.project.directory,
        env: { ...process.env, NODE_OPTIONS: '--disable-warning=ExperimentalWarning' },
        maxBuffer: 16 * 1024 * 1024,
      },
    );
    return stdout;
  }

  async killSystem(): Promise<void> {
    await this.#system.end('SIGKILL');
  }

  /** Ends it in peace. */
  async stopSystem(): Promise<void> {
    await this.#system.end('SIGTERM');
  }

  /** Starts the system again over what it left; answers when everything does. */
  async startSystem(): Promise<void> {
    this.#system = await SystemUnderTest.start(settingsOf(this.project, this.server));
    this.#endpoints = this.#system.endpoints;
    await shortenVisibility(this);
  }

  /** Another mapping: the system is ended in peace and started with it. */
  async remap(objects: readonly ChaosObject[]): Promise<void> {
    await this.stopSystem();
    await writeFile(this.project.configurationFile, configurationText(objects));
    await this.startSystem();
    this.#configuration = await configurationOf(this.project);
  }

  /** Ends everything. With `keep` the copy of the project stays, with state and logs: answers where. */
  async close({ keep = false }: { readonly keep?: boolean } = {}): Promise<string | undefined> {
    await this.pool.end().catch(() => undefined);
    await this.#system.end('SIGTERM');
    await this.server.stop();
    if (!keep) {
      await this.project[Symbol.asyncDispose]();
      return undefined;
    }
    // Under a name that no later run takes for something left.
    const kept = this.project.directory.replace(COPY_PREFIX, 'sfsync-kept-');
    await rename(this.project.directory, kept);
    return kept;
  }
}

function failpointsOf(project: ProjectCopy): string {
  return join(project.directory, 'failpoints');
}

function settingsOf(project: ProjectCopy, server: ChaosDatabase) {
  return {
    projectDirectory: project.directory,
    configurationFile: project.configurationFile,
    stateDirectory: project.stateDirectory,
    pollMs: POLL_MS,
    databaseUrl: server.url,
  };
}

/** Loaded anew after each change. */
async function configurationOf({ configurationFile }: ProjectCopy): Promise<SyncConfiguration> {
  const url = pathToFileURL(configurationFile);
  url.searchParams.set('at', String(Date.now()));
  return ((await import(url.href)) as { default: SyncConfiguration }).default;
}

import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { HealthCheck } from './health-check.ts';
import { endProcess } from './leftover-process.ts';
import type { ContainerDefinition, ContainerHost, ServiceNames } from './resources/containers.ts';
import { parseSecretReference, secretVariable } from './secret-reference.ts';
import { type ProcessEvent, SupervisedProcess } from './supervised-process.ts';

export interface ProcessHostOptions {
  readonly logDirectory: string;
  /** Stands in for the container's own `/tmp`. */
  readonly scratchDirectory: string;
  /** What every container finds in AWS: region, endpoint, and access keys of its role. */
  readonly awsEnvironment: (taskRoleArn: string) => Readonly<Record<string, string>>;
  /** The text of a secret, read as the role. */
  readonly secret: (secretId: string, roleArn: string) => Promise<string>;
  /** Remembers what runs, so that the next start can end what a killed run left behind. */
  readonly processesFile: string;
  readonly onEvent: (container: string, event: ProcessEvent, logGroup: string | undefined) => void;
}

const processesSchema = z.array(z.object({ pid: z.number(), words: z.array(z.string()) }));
/** A person waits for the end of a local run: shorter than what a container may take in AWS. */
const LONGEST_STOP_MS = 10_000;

interface RunningService {
  readonly names: ServiceNames;
  readonly container: string;
  readonly process: SupervisedProcess;
  /** What its command line has. */
  readonly words: readonly string[];
}

/** Runs the containers of the template's services as processes of this machine, one each. */
export class ProcessHost implements ContainerHost {
  readonly #options: ProcessHostOptions;
  readonly #services = new Map<string, RunningService>();
  readonly #given: {
    readonly service: string;
    readonly definition: ContainerDefinition;
    readonly names: ServiceNames;
  }[] = [];

  constructor(options: ProcessHostOptions) {
    this.#options = options;
  }

  run(service: string, definition: ContainerDefinition, names: ServiceNames): void {
    this.#given.push({ service, definition, names });
  }

  async remove(service: string): Promise<void> {
    await this.#services.get(service)?.process.stop();
    this.#services.delete(service);
  }

  /**
   * Starts what was given to `run`; apart from it, so that nothing runs before the whole stack stands. What a killed run
   * left behind is ended first: the replication slot has one reader.
   */
  async start(): Promise<void> {
    const left = await readFile(this.#options.processesFile, 'utf8').catch(() => '[]');
    await Promise.all(
      processesSchema.parse(JSON.parse(left)).map((known) => endProcess(known, 'SIGTERM', LONGEST_STOP_MS)),
    );
    for (const { service, definition, names } of this.#given.splice(0)) {
      const process = this.#processOf(definition);
      this.#services.set(service, { names, container: definition.name, process, words: definition.command.slice(1) });
      process.start();
    }
  }

  /** Sends a signal to the process of a container, by the container's name. Throws for a name that does not run. */
  kill(container: string, signal: NodeJS.Signals): void {
    const running = [...this.#services.values()].filter((service) => service.container === container);
    const names = [...this.#services.values()].map((service) => service.container).join(', ') || 'none';
    if (running.length === 0) throw new Error(`No container ${container} runs here (running: ${names})`);
    for (const { process } of running) process.kill(signal);
  }

  /** The process ids of what runs now. */
  get pids(): readonly number[] {
    return [...this.#services.values()].flatMap(({ process }) => (process.pid === undefined ? [] : [process.pid]));
  }

  /** How many tasks of each service run, as Container Insights counts them. */
  metrics() {
    return [...this.#services.values()].map(({ names: { cluster, service }, process }) => ({
      namespace: 'ECS/ContainerInsights',
      name: 'RunningTaskCount',
      dimensions: { ClusterName: cluster, ServiceName: service },
      value: process.pid === undefined ? 0 : 1,
    }));
  }

  /** Stops every process, and waits until they are gone. */
  async stop(): Promise<void> {
    await Promise.all([...this.#services.values()].map(({ process }) => process.stop()));
    this.#services.clear();
    this.#remember();
  }

  #remember(): void {
    const processes = [...this.#services.values()].flatMap(({ process: { pid }, words }) =>
      pid === undefined ? [] : [{ pid, words }],
    );
    writeFileSync(this.#options.processesFile, JSON.stringify(processes));
  }

  #processOf(definition: ContainerDefinition): SupervisedProcess {
    const { logDirectory, onEvent } = this.#options;
    const [program = '', ...args] = definition.command;
    const supervised: SupervisedProcess = new SupervisedProcess({
      command: programOf(program),
      args,
      directory: definition.directory,
      environment: () => this.#environmentOf(definition),
      logFile: join(logDirectory, `${definition.name}.log`),
      stopTimeoutMs: Math.min(definition.stopTimeoutMs, LONGEST_STOP_MS),
      onEvent: (event) => {
        if (event.kind === 'started') {
          health?.begin();
          this.#remember();
        }
        if (event.kind === 'died') health?.end();
        onEvent(definition.name, event, definition.logGroup);
      },
    });
    const health = this.#healthOf(definition, supervised);
    return supervised;
  }

  #healthOf(definition: ContainerDefinition, supervised: SupervisedProcess): HealthCheck | undefined {
    const settings = definition.healthCheck;
    if (settings === undefined) return undefined;
    const scratch = this.#scratchOf(definition);
    const [program = '', ...args] = settings.command.map((word) => word.replaceAll("'/tmp/", `'${scratch}/`));
    const isWell = (): Promise<boolean> =>
      promisify(execFile)(programOf(program), args, {
        timeout: settings.timeoutMs,
        env: { PATH: process.env.PATH },
      }).then(
        () => true,
        () => false,
      );
    return new HealthCheck(settings, isWell, () => {
      const text = `unhealthy after ${settings.retries} failed checks`;
      this.#options.onEvent(definition.name, { kind: 'unhealthy', reason: text }, definition.logGroup);
      supervised.replace();
    });
  }

  #scratchOf(definition: ContainerDefinition): string {
    return join(this.#options.scratchDirectory, definition.name);
  }

  async #environmentOf(definition: ContainerDefinition): Promise<Record<string, string>> {
    const { awsEnvironment, secret } = this.#options;
    const scratch = this.#scratchOf(definition);
    mkdirSync(scratch, { recursive: true });
    const environment: Record<string, string> = { PATH: process.env.PATH ?? '', TMPDIR: scratch };
    for (const [name, value] of Object.entries(definition.environment)) {
      // A container's /tmp is its own; that of this machine is shared with every other run.
      environment[name] = value.startsWith('/tmp/') ? join(scratch, value.slice('/tmp/'.length)) : value;
    }
    for (const [name, valueFrom] of Object.entries(definition.secrets)) {
      const reference = parseSecretReference(valueFrom);
      environment[name] = secretVariable(reference, await secret(reference.secretId, definition.executionRoleArn));
    }
    return { ...environment, ...awsEnvironment(definition.taskRoleArn) };
  }
}

/** The image's Node.js is the one that this runs on. */
function programOf(program: string): string {
  return program === 'node' ? process.execPath : program;
}

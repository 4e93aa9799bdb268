import { randomUUID } from 'node:crypto';
import type { EmbeddedAws } from '../service.ts';
import { AwsError } from '../service.ts';
import { checkMachineArn, checkName, machineArn } from './arn.ts';
import type { Clock } from './clock.ts';
import { checkDefinition } from './definition/definition-check.ts';
import type { Machines, StoredMachine } from './machines.ts';
import type { Input } from './states/parameters.ts';
import {
  choice,
  flag,
  optionalText,
  pageSize,
  readTags,
  readToken,
  requiredText,
  seconds,
  writeToken,
} from './states/parameters.ts';

/** The operations on state machines, apart from deleting one. */
export class MachineOperations {
  readonly #aws: EmbeddedAws;
  readonly #clock: Clock;
  readonly #machines: Machines;

  constructor(aws: EmbeddedAws, clock: Clock, machines: Machines) {
    this.#aws = aws;
    this.#clock = clock;
    this.#machines = machines;
  }

  /** The same request again answers as the first one; another one of that name is refused. */
  create(input: Input) {
    const name = requiredText(input, 'name');
    checkName(name);
    const definition = requiredText(input, 'definition');
    const roleArn = requiredText(input, 'roleArn');
    if (choice(input, 'type', ['STANDARD', 'EXPRESS']) === 'EXPRESS') {
      throw new AwsError(
        'StateMachineTypeNotSupported',
        `State Machine Type is not supported: '${name}' is EXPRESS, only STANDARD is offered`,
      );
    }
    refusePublish(input);
    refuseFaulty(definition);
    const arn = machineArn(this.#aws.region, name);
    const settings = readSettings(input, {});
    const existing = this.#machines.get(arn);
    if (existing !== undefined) {
      const same = existing.definition === definition && existing.roleArn === roleArn && existing.settings === settings;
      if (!same) throw new AwsError('StateMachineAlreadyExists', `State Machine Already Exists: '${arn}'`);
      return { stateMachineArn: arn, creationDate: seconds(existing.createdAt) };
    }
    const createdAt = this.#clock.now();
    const tags = JSON.stringify(readTags(input));
    this.#machines.add({ arn, name, createdAt, revisionId: randomUUID(), definition, roleArn, settings, tags });
    return { stateMachineArn: arn, creationDate: seconds(createdAt) };
  }

  /** Executions that run already keep the definition they were started with. */
  update(input: Input) {
    const machine = this.find(input);
    refusePublish(input);
    const definition = optionalText(input, 'definition') ?? machine.definition;
    const roleArn = optionalText(input, 'roleArn') ?? machine.roleArn;
    const known: Record<string, unknown> = JSON.parse(machine.settings);
    const settings = readSettings(input, known);
    if (!['definition', 'roleArn', ...SETTINGS].some((name) => input[name] !== undefined)) {
      const why = 'Either the definition, the role ARN, the logging or the tracing configuration must be specified';
      throw new AwsError('MissingRequiredParameter', why);
    }
    refuseFaulty(definition);
    const at = this.#clock.now();
    const revisionId = randomUUID();
    this.#machines.revise(machine.arn, { id: revisionId, definition, roleArn, at }, settings);
    return { updateDate: seconds(at), revisionId };
  }

  describe(input: Input) {
    const machine = this.find(input);
    const settings: Record<string, unknown> = JSON.parse(machine.settings);
    return {
      stateMachineArn: machine.arn,
      name: machine.name,
      status: 'ACTIVE',
      type: 'STANDARD',
      definition: machine.definition,
      roleArn: machine.roleArn,
      creationDate: seconds(machine.createdAt),
      revisionId: machine.revisionId,
      loggingConfiguration: { level: 'OFF', includeExecutionData: false },
      tracingConfiguration: { enabled: false },
      ...settings,
    };
  }

  list(input: Input) {
    const from = readToken(input) ?? 0;
    const size = pageSize(input);
    const all = this.#machines.list();
    const stateMachines = all.slice(from, from + size).map((machine) => ({
      stateMachineArn: machine.arn,
      name: machine.name,
      type: 'STANDARD',
      creationDate: seconds(machine.createdAt),
    }));
    return { stateMachines, ...(from + size < all.length ? { nextToken: writeToken(from + size) } : {}) };
  }

  /** Besides what AWS finds, FAIL also means that this interpreter does not offer something (code UNSUPPORTED). */
  validate(input: Input) {
    const checked = checkDefinition(requiredText(input, 'definition'));
    const diagnostics = checked.kind === 'good' ? [] : checked.diagnostics.slice(0, pageSize(input));
    return { result: checked.kind === 'good' ? 'OK' : 'FAIL', diagnostics, truncated: false };
  }

  tag(input: Input) {
    const machine = this.#tagged(input);
    const tags = { ...readStoredTags(machine), ...readTags(input) };
    this.#machines.setTags(machine.arn, JSON.stringify(tags));
    return {};
  }

  untag(input: Input) {
    const machine = this.#tagged(input);
    const keys: unknown[] = Array.isArray(input.tagKeys) ? input.tagKeys : [];
    const left = Object.entries(readStoredTags(machine)).filter(([key]) => !keys.includes(key));
    this.#machines.setTags(machine.arn, JSON.stringify(Object.fromEntries(left)));
    return {};
  }

  listTags(input: Input) {
    const tags = Object.entries(readStoredTags(this.#tagged(input)));
    return { tags: tags.map(([key, value]) => ({ key, value })) };
  }

  /** The machine a request is about. Throws InvalidArn, StateMachineDoesNotExist. */
  find(input: Input): StoredMachine {
    const arn = requiredText(input, 'stateMachineArn');
    checkMachineArn(arn);
    const machine = this.#machines.get(arn);
    if (machine === undefined) throw new AwsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
    return machine;
  }

  #tagged(input: Input): StoredMachine {
    const arn = requiredText(input, 'resourceArn');
    checkMachineArn(arn);
    const machine = this.#machines.get(arn);
    if (machine === undefined) throw new AwsError('ResourceNotFound', `Resource not found: '${arn}'`);
    return machine;
  }
}

const SETTINGS = ['loggingConfiguration', 'tracingConfiguration', 'encryptionConfiguration'];

function readSettings(input: Input, known: Record<string, unknown>): string {
  const given = SETTINGS.filter((name) => input[name] !== undefined).map((name) => [name, input[name]]);
  return JSON.stringify({ ...known, ...Object.fromEntries(given) });
}

function readStoredTags(machine: StoredMachine): Record<string, string> {
  return JSON.parse(machine.tags);
}

function refusePublish(input: Input): void {
  if (!flag(input, 'publish', false)) return;
  throw new AwsError(
    'UnsupportedOperation',
    'Versions of state machines are not offered by the embedded AWS: leave out publish',
  );
}

function refuseFaulty(definition: string): void {
  const checked = checkDefinition(definition);
  if (checked.kind === 'good') return;
  const { diagnostics } = checked;
  if (diagnostics.every((diagnostic) => diagnostic.code === 'UNSUPPORTED')) {
    const faults = diagnostics.map(({ message, location }) => `${message} at ${location || '/'}`).join(', ');
    throw new AwsError('UnsupportedOperation', `Not offered by the embedded AWS: ${faults}`);
  }
  const faults = diagnostics
    .map(({ code, message, location }) => `${code}: ${message} at ${location || '/'}`)
    .join(', ');
  throw new AwsError('InvalidDefinition', `Invalid State Machine Definition: '${faults}'`);
}

import { join } from 'node:path';
import { AwsError, type EmbeddedAws, type Operations } from '../service.ts';
import { type CodePackage, unpackCode } from './code-package.ts';
import type { BookedFunction, FunctionBook } from './function-book.ts';
import { functionArn, functionNameOf, notFound } from './function-names.ts';
import type { FunctionSettings } from './function-settings.ts';

interface OfFunction {
  readonly FunctionName?: string;
  readonly Qualifier?: string;
}

interface Configuration {
  readonly Handler?: string;
  readonly Runtime?: string;
  readonly Role?: string;
  readonly Description?: string;
  readonly Timeout?: number;
  readonly MemorySize?: number;
  readonly Environment?: { readonly Variables?: Readonly<Record<string, string>> };
  readonly DeadLetterConfig?: { readonly TargetArn?: string };
}

interface Code {
  /** Base64 text (from the wire) or bytes. */
  readonly ZipFile?: string | Uint8Array;
  readonly S3Bucket?: string;
  readonly ImageUri?: string;
}

const RUNTIMES: readonly string[] = ['nodejs22.x', 'nodejs24.x'];

/** Creating, describing, changing and deleting functions. `changed` gets the name of each function that did. */
export class FunctionOperations {
  readonly operations: Operations;
  readonly #aws: EmbeddedAws;
  readonly #book: FunctionBook;
  readonly #codeDirectory: string;
  readonly #changed: (name: string) => void;

  constructor(
    aws: EmbeddedAws,
    book: FunctionBook,
    options: { readonly codeDirectory: string; readonly changed: (name: string) => void },
  ) {
    this.#aws = aws;
    this.#book = book;
    this.#codeDirectory = options.codeDirectory;
    this.#changed = options.changed;
    this.operations = {
      CreateFunction: (input: OfFunction & Configuration & { Code?: Code }) => this.#create(input),
      GetFunction: (input: OfFunction) => this.#getFunction(input),
      GetFunctionConfiguration: (input: OfFunction) => configurationOf(this.#function(input)),
      ListFunctions: () => ({ Functions: this.#book.all().map(configurationOf) }),
      DeleteFunction: (input: OfFunction) => this.#delete(input),
      UpdateFunctionConfiguration: (input: OfFunction & Configuration) => this.#update(input),
      UpdateFunctionCode: (input: OfFunction & Code) => this.#updateCode(input),
      CreateEventSourceMapping: () => {
        throw invalid('Event source mappings are not part of this host: no function here is fed by a queue.');
      },
    };
  }

  #create(input: OfFunction & Configuration & { Code?: Code }): object {
    const name = functionNameOf(input.FunctionName ?? '', this.#aws.region);
    if (this.#book.get(name) !== undefined) {
      throw new AwsError('ResourceConflictException', `Function already exist: ${name}`, 409, { Type: 'User' });
    }
    const { Handler, Runtime, Role, Code } = input;
    if (Handler === undefined) throw invalid('Handler is required: <file>.<exported name>, such as index.handler.');
    if (Runtime === undefined) throw invalid(`Runtime is required: ${RUNTIMES.join(' or ')}.`);
    if (Role === undefined) throw invalid('Role is required: the ARN of the role that the function acts as.');
    checkConfiguration(input);
    const code = this.#unpack(name, Code ?? {});
    const settings: FunctionSettings = {
      name,
      arn: functionArn(name, this.#aws.region),
      directory: code.directory,
      handler: Handler,
      runtime: Runtime,
      roleArn: Role,
      environment: input.Environment?.Variables ?? {},
      timeoutSeconds: input.Timeout ?? 3,
      memoryMegabytes: input.MemorySize ?? 128,
      deadLetterQueueArn: input.DeadLetterConfig?.TargetArn || undefined,
    };
    return this.#put(settings, input.Description ?? '', code, true);
  }

  #update(input: OfFunction & Configuration): object {
    checkConfiguration(input);
    const booked = this.#function(input);
    const { settings } = booked;
    const changed: FunctionSettings = {
      ...settings,
      handler: input.Handler ?? settings.handler,
      runtime: input.Runtime ?? settings.runtime,
      roleArn: input.Role ?? settings.roleArn,
      environment: input.Environment?.Variables ?? settings.environment,
      timeoutSeconds: input.Timeout ?? settings.timeoutSeconds,
      memoryMegabytes: input.MemorySize ?? settings.memoryMegabytes,
      deadLetterQueueArn: deadLetterQueue(input, settings),
    };
    const { codeSha256: sha256, codeBytes: bytes } = booked;
    const code = { directory: settings.directory, sha256, bytes };
    return this.#put(changed, input.Description ?? booked.description, code, this.#book.isDurable(settings.name));
  }

  #updateCode(input: OfFunction & Code): object {
    const { settings, description } = this.#function(input);
    const code = this.#unpack(settings.name, input);
    return this.#put({ ...settings, directory: code.directory }, description, code, true);
  }

  #put(settings: FunctionSettings, description: string, code: CodePackage, durable: boolean): object {
    const modifiedAt = this.#aws.now();
    const booked = { settings, description, codeSha256: code.sha256, codeBytes: code.bytes, modifiedAt };
    this.#book.put(booked, durable);
    this.#changed(settings.name);
    return configurationOf(booked);
  }

  #getFunction(input: OfFunction): object {
    const booked = this.#function(input);
    const Location = `file://${booked.settings.directory}`;
    return { Configuration: configurationOf(booked), Code: { RepositoryType: 'S3', Location }, Tags: {} };
  }

  #delete(input: OfFunction): undefined {
    const { settings } = this.#function(input);
    this.#book.remove(settings.name);
    this.#changed(settings.name);
    return undefined;
  }

  #function({ FunctionName = '', Qualifier }: OfFunction): BookedFunction {
    const name = functionNameOf(FunctionName, this.#aws.region, Qualifier);
    const booked = this.#book.get(name);
    if (booked === undefined) throw notFound(functionArn(name, this.#aws.region));
    return booked;
  }

  #unpack(name: string, code: Code): CodePackage {
    if (code.ZipFile === undefined) {
      throw invalid('Code.ZipFile is required: code in S3 and container images are not part of this host.');
    }
    const archive = typeof code.ZipFile === 'string' ? Buffer.from(code.ZipFile, 'base64') : code.ZipFile;
    return unpackCode(archive, join(this.#codeDirectory, name));
  }
}

function deadLetterQueue(input: Configuration, settings: FunctionSettings): string | undefined {
  if (input.DeadLetterConfig === undefined) return settings.deadLetterQueueArn;
  // An empty ARN takes the queue away.
  return input.DeadLetterConfig.TargetArn || undefined;
}

function checkConfiguration({ Runtime, Timeout, MemorySize, DeadLetterConfig }: Configuration): void {
  if (Runtime !== undefined && !RUNTIMES.includes(Runtime)) {
    throw invalid(`Runtime ${Runtime} is not part of this host; it runs ${RUNTIMES.join(' and ')}.`);
  }
  if (Timeout !== undefined && !(Number.isInteger(Timeout) && Timeout >= 1 && Timeout <= 900)) {
    throw invalid(`Timeout is ${Timeout}; it must be a whole number of seconds from 1 to 900.`);
  }
  if (MemorySize !== undefined && !(Number.isInteger(MemorySize) && MemorySize >= 128 && MemorySize <= 10_240)) {
    throw invalid(`MemorySize is ${MemorySize}; it must be a whole number of megabytes from 128 to 10240.`);
  }
  const queue = DeadLetterConfig?.TargetArn;
  if (queue && !queue.startsWith('arn:aws:sqs:')) {
    throw invalid(`DeadLetterConfig.TargetArn is ${queue}; dead letters go to SQS queues only here.`);
  }
}

function configurationOf({ settings, description, codeSha256, codeBytes, modifiedAt }: BookedFunction): object {
  const { name, arn, handler, runtime, roleArn, environment, timeoutSeconds, memoryMegabytes } = settings;
  return {
    FunctionName: name,
    FunctionArn: arn,
    Runtime: runtime ?? 'nodejs22.x',
    Role: roleArn,
    Handler: handler,
    CodeSize: codeBytes,
    CodeSha256: codeSha256,
    Description: description,
    Timeout: timeoutSeconds,
    MemorySize: memoryMegabytes,
    LastModified: new Date(modifiedAt).toISOString().replace('Z', '+0000'),
    Version: '$LATEST',
    Environment: { Variables: environment },
    ...(settings.deadLetterQueueArn !== undefined && { DeadLetterConfig: { TargetArn: settings.deadLetterQueueArn } }),
    TracingConfig: { Mode: 'PassThrough' },
    PackageType: 'Zip',
    Architectures: ['x86_64'],
    State: 'Active',
    LastUpdateStatus: 'Successful',
  };
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message, 400, { Type: 'User' });
}

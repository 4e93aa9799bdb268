import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FunctionSettings } from '../../lambda/function-settings.ts';
import { type InvokeInput, type InvokeOutput, Lambda, type LambdaOptions } from '../../lambda/lambda-host.ts';
import { AwsError, CONSOLE } from '../../service.ts';
import { openStore } from '../../store.ts';
import { StatefulAws } from '../stateful-aws.ts';

export const ROLE = 'arn:aws:iam::000000000000:role/worker';
export const ARN = 'arn:aws:lambda:eu-west-1:000000000000:function:';

/** A Lambda host in a directory of its own, with a clock that stands still. */
export class HostedLambda {
  readonly directory = mkdtempSync(join(tmpdir(), 'lambda-'));
  readonly aws = new StatefulAws();
  lambda: Lambda;

  constructor(options: Partial<LambdaOptions> = {}) {
    this.lambda = this.#start(options);
  }

  /** Ends the host at once and starts another one on the same store. */
  async restart(options: Partial<LambdaOptions> = {}): Promise<void> {
    await this.lambda.stop(0);
    this.lambda = this.#start(options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lambda.stop(0);
    rmSync(this.directory, { recursive: true });
  }

  /** Puts a function's code on disk and registers it, as `work` where no other name is given. */
  register(code: string, settings: Partial<FunctionSettings> = {}, file = 'index.js'): FunctionSettings {
    const directory = mkdtempSync(join(this.directory, 'code-'));
    writeFileSync(join(directory, file), code);
    const name = settings.name ?? 'work';
    const complete: FunctionSettings = {
      name,
      arn: `${ARN}${name}`,
      directory,
      handler: 'index.handler',
      environment: {},
      timeoutSeconds: 10,
      memoryMegabytes: 128,
      roleArn: ROLE,
      ...settings,
    };
    this.lambda.register(complete);
    return complete;
  }

  async operation<Output>(name: string, input: object): Promise<Output> {
    const run = this.lambda.operations[name] as ((input: object, caller: object) => unknown) | undefined;
    if (run === undefined) throw new Error(`no operation ${name}`);
    return (await run(input, CONSOLE)) as Output;
  }

  invoke(payload: unknown, input: InvokeInput = {}): Promise<InvokeOutput> {
    return this.operation('Invoke', { FunctionName: 'work', Payload: JSON.stringify(payload), ...input });
  }

  /** Invokes and answers the parsed payload. */
  async result(payload: unknown, input: InvokeInput = {}): Promise<unknown> {
    return resultOf(await this.invoke(payload, input));
  }

  get log(): string {
    return readFileSync(join(this.directory, 'logs', 'work.log'), 'utf8');
  }

  #start(options: Partial<LambdaOptions>): Lambda {
    const lambda = new Lambda(this.aws, openStore(join(this.directory, 'store.sqlite')), {
      stateDirectory: this.directory,
      logsDirectory: join(this.directory, 'logs'),
      credentialsFor: (roleArn) => ({ accessKeyId: `key of ${roleArn}`, secretAccessKey: 'secret' }),
      timers: this.aws,
      ...options,
    });
    lambda.start();
    return lambda;
  }
}

export const resultOf = (output: InvokeOutput): unknown => JSON.parse(output.Payload ?? '');

/** The AwsError that a call ends with. */
export async function refusal(promise: Promise<unknown>): Promise<AwsError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof AwsError) return error;
  throw new Error(`expected an AwsError, got ${String(error)}`);
}

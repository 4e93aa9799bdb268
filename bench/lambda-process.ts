/**
 * The memory of one invocation, in a process of its own, as Lambda has it: the function's deployed bundle with its
 * environment and role, and a heap of 90 % of its memory, which leaves room for buffers and the runtime. (The local
 * system runs functions as threads, which share one process's memory.)
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { BothSides } from '../test/support/system/both-sides.ts';

const MAIN = fileURLToPath(new URL('lambda-process-main.ts', import.meta.url));
const HEAP_SHARE = 0.9;

export interface MeasuredInvocation<Output> {
  readonly output: Output;
  readonly seconds: number;
  /** The largest that the process was. */
  readonly peakMegabytes: number;
}

interface FunctionDescription {
  readonly Configuration: {
    readonly MemorySize: number;
    readonly Environment: { readonly Variables: Readonly<Record<string, string>> };
  };
  readonly Code: { readonly Location: string };
}

/** Invokes the function whose name has `construct` in it. Throws with what it wrote when it fails. */
export async function measureInvocation<Output>(
  both: BothSides,
  construct: string,
  event: object,
): Promise<MeasuredInvocation<Output>> {
  const [FunctionName] = await both.functionNames([construct]);
  const { Configuration, Code } = await both.system.call<FunctionDescription>('lambda', 'GetFunction', {
    FunctionName,
  });
  const { region, endpoint, accessKeyId, secretAccessKey } = both.system.endpoints.aws;
  const heap = Math.floor(Configuration.MemorySize * HEAP_SHARE);
  const child = spawn(
    process.execPath,
    [`--max-old-space-size=${heap}`, '--disable-warning=ExperimentalWarning', MAIN],
    {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      env: {
        ...Configuration.Environment.Variables,
        PATH: process.env.PATH,
        TZ: 'UTC',
        AWS_REGION: region,
        AWS_ENDPOINT_URL: endpoint,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_LAMBDA_FUNCTION_NAME: FunctionName,
      },
    },
  );
  let log = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  let answer: MeasuredInvocation<Output> | undefined;
  child.on('message', (message: MeasuredInvocation<Output>) => {
    answer = message;
  });
  child.send({ code: `${fileURLToPath(Code.Location)}/index.js`, event });
  const [status, signal] = await once(child, 'close');
  if (answer !== undefined) return answer;
  throw new Error(`${construct} failed in a process of its own (${signal ?? `status ${status}`}):\n${log}`);
}

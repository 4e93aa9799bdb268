/** The process of `lambda-process.ts`: one invocation of one handler, and how large the process has become. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

interface Order {
  readonly code: string;
  readonly event: object;
}

const context = {
  callbackWaitsForEmptyEventLoop: true,
  functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
  awsRequestId: 'bench',
  invokedFunctionArn: '',
  getRemainingTimeInMillis: () => 300_000,
};

process.once('message', (order: Order) => {
  void invoke(order);
});

async function invoke({ code, event }: Order): Promise<void> {
  const { handler } = createRequire(code)(code) as { handler(event: object, context: object): Promise<unknown> };
  const started = performance.now();
  const output = await handler(event, context);
  const seconds = (performance.now() - started) / 1000;
  process.send?.({ output, seconds, peakMegabytes: peakMegabytes() }, () => process.exit(0));
}

/** proc(5): the high-water mark of the resident set. Elsewhere than on Linux, what getrusage(2) answers. */
function peakMegabytes(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS / 1024;
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1024;
}

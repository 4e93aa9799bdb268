import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

/** What is written down at the end of an invocation. */
export interface InvocationReport {
  readonly requestId: string;
  readonly durationMs: number;
  /** Only for the first invocation of a sandbox. */
  readonly initMs: number | undefined;
  readonly memoryMegabytes: number;
  readonly heapBytes: number;
}

/** One function's log: `<directory>/<function name>.log`, with the lines that Lambda writes around an invocation. */
export class FunctionLog {
  readonly #file: string;
  readonly #onText: (text: string) => void;
  /** As in CloudWatch, one per execution environment; here one per run of the host. */
  readonly streamName: string;

  constructor(directory: string, functionName: string, now: number, onText: (text: string) => void = () => undefined) {
    mkdirSync(directory, { recursive: true });
    this.#onText = onText;
    this.#file = join(directory, `${functionName}.log`);
    const day = new Date(now).toISOString().slice(0, 10).replaceAll('-', '/');
    this.streamName = `${day}/[$LATEST]${randomBytes(16).toString('hex')}`;
  }

  write(text: string): void {
    appendFileSync(this.#file, text);
    this.#onText(text);
  }

  static start(requestId: string): string {
    return `START RequestId: ${requestId} Version: $LATEST\n`;
  }

  static end({ requestId, durationMs, initMs, memoryMegabytes, heapBytes }: InvocationReport): string {
    const parts = [
      `REPORT RequestId: ${requestId}`,
      `Duration: ${durationMs.toFixed(2)} ms`,
      `Billed Duration: ${Math.ceil(durationMs)} ms`,
      `Memory Size: ${memoryMegabytes} MB`,
      `Max Memory Used: ${Math.ceil(heapBytes / 1024 / 1024)} MB`,
      ...(initMs === undefined ? [] : [`Init Duration: ${initMs.toFixed(2)} ms`]),
    ];
    return `END RequestId: ${requestId}\n${parts.join('\t')}\t\n`;
  }
}

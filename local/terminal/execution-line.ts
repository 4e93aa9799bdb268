import { counted, type Line } from './line.ts';

/** An execution as DescribeExecution answers it. */
export interface DescribedExecution {
  readonly name: string;
  readonly status: string;
  readonly startDate: number | Date;
  readonly stopDate?: number | Date;
  readonly input?: string;
  readonly output?: string;
  readonly error?: string;
  readonly cause?: string;
}

const COUNTS = ['inserted', 'updated', 'deleted', 'unchanged', 'rejected', 'conflicts'] as const;

/** An execution that has ended. Undefined: it moved nothing, and is shown only when everything is. */
export function executionLine(
  direction: NonNullable<Line['direction']>,
  execution: DescribedExecution,
  at: number,
  everything: boolean,
): Line | undefined {
  const input = objectIn(execution.input);
  const output = objectIn(execution.output);
  const object = textOf(output.object) ?? textOf(input.object) ?? objectOfKey(textOf(input.key)) ?? '';
  const durationMs = durationOf(execution);
  const common = { at, direction, object, durationMs } as const;
  const what = 'full' in { ...input, ...output } ? 'sweep' : 'execution';
  if (execution.status !== 'SUCCEEDED') {
    const why = [execution.error, firstLine(execution.cause)].filter((part) => part !== undefined).join(': ');
    return {
      ...common,
      what: `${what} ${execution.status.toLowerCase()}`,
      detail: why || execution.name,
      tone: 'bad',
    };
  }
  const counts = COUNTS.filter((name) => typeof output[name] === 'number' && output[name] > 0);
  const moved = counts.some((name) => name !== 'unchanged') || (numberOf(output.batches) ?? 0) > 0;
  const noticed =
    output.reason === 'circuit open' || output.reason === 'Salesforce is away' || output.complete === false;
  if (!moved && !noticed && !everything) return undefined;
  const done = [...counts.map((name) => `${output[name]} ${name}`), output.complete === false && 'not complete'];
  const detail = done.filter(Boolean).join(', ') || batchesOf(output) || 'nothing to do';
  const warning = noticed || counts.includes('rejected') || counts.includes('conflicts');
  return { ...common, what, detail, tone: warning ? 'warning' : 'good' };
}

function batchesOf(output: Readonly<Record<string, unknown>>): string {
  const batches = numberOf(output.batches);
  const reason = textOf(output.reason);
  return [batches === undefined ? undefined : counted(batches, 'batch').replace(/hs$/, 'hes'), reason]
    .filter((part) => part !== undefined)
    .join(', ');
}

function durationOf({ startDate, stopDate }: DescribedExecution): number | undefined {
  return stopDate === undefined ? undefined : milliseconds(stopDate) - milliseconds(startDate);
}

/** The wire has seconds since 1970. */
function milliseconds(moment: number | Date): number {
  return typeof moment === 'number' ? moment * 1_000 : moment.getTime();
}

function objectOfKey(key: string | undefined): string | undefined {
  return key?.split('/')[1];
}

function objectIn(text: string | undefined): Readonly<Record<string, unknown>> {
  if (text === undefined) return {};
  const parsed: unknown = JSON.parse(text);
  return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
}

/** A Lambda's cause is JSON with the message in it; the first line is enough for one line. */
function firstLine(cause: string | undefined): string | undefined {
  if (cause === undefined) return undefined;
  let message = cause;
  try {
    message = textOf(objectIn(cause).errorMessage) ?? cause;
  } catch {
    // Not JSON: the cause is the message.
  }
  return message.split('\n')[0]?.slice(0, 200);
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

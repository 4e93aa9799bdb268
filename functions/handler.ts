/** The frame of every Lambda: parse the input, run, check the output; errors leave as one of our classes. */
import { EventEmitter } from 'node:events';
import { Logger } from '@aws-lambda-powertools/logger';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { z } from 'zod';
import { classified } from '../aws/aws-errors.ts';
import { ConfigurationError, InvariantError, RetryableError } from '../core/errors.ts';
import { failpoint } from '../core/failpoint.ts';

export interface Task<Input extends z.ZodType, Output extends z.ZodType> {
  readonly input: Input;
  readonly output: Output;
  readonly run: (input: z.output<Input>, tools: { readonly log: Logger }) => Promise<z.input<Output>>;
}

const rootLogger = new Logger();

/** Before its time is over a call is answered: there must be enough left for the answer. */
const ANSWER_MS = 500;

const calls = new EventEmitter<{ 'cut off': [] }>();

/**
 * What a call uses, and what ends it. A call whose time is over is answered and then frozen: thawed for the next one, which may be
 * its own repetition, it would go on beside that, in the same session.
 */
export function endWhenCutOff(end: () => void): void {
  calls.on('cut off', end);
}

function cutOff(): never {
  calls.emit('cut off');
  throw new RetryableError(
    'CUT_OFF',
    'The time of the call was over. What it has committed stays; the rest is done again.',
  );
}

/** Makes the handler of a task. Log lines carry the request and, where the input has them, object and execution. */
export function defineHandler<Input extends z.ZodType, Output extends z.ZodType>(task: Task<Input, Output>) {
  const options = { timeoutEarlyInMillis: ANSWER_MS, timeoutEarlyResponse: cutOff };
  return middy(async (event: unknown, context: Context) => {
    const input = parsed(task.input, event, 'input');
    const log = rootLogger.createChild({
      persistentLogAttributes: { request: context.awsRequestId, ...subject(input) },
    });
    failpoint('call:begins');
    const output = parsed(task.output, await task.run(input, { log }), 'output');
    failpoint('call:done');
    return output;
  }, options).onError((request) => {
    // middy takes what is assigned here as the error to throw; Step Functions matches on its name.
    request.error = classified(request.error);
  });
}

function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `${issue.path.join('.') || what}: ${issue.message}`).join('; ');
  throw new InvariantError('FAULTY_TASK', `The ${what} of the task does not fit: ${faults}.`);
}

function subject(input: unknown): Record<string, unknown> {
  const known = z.object({ object: z.string(), execution: z.string() }).partial().safeParse(input);
  return known.data ?? {};
}

/** Reads the environment once. Throws ConfigurationError that names every variable at fault. */
export function environment<Shape extends z.ZodRawShape>(shape: Shape): z.output<z.ZodObject<Shape>> {
  const result = z.object(shape).safeParse(process.env);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `  - ${issue.path.join('.')}: ${issue.message}`).join('\n');
  throw new ConfigurationError('FAULTY_ENVIRONMENT', `The function's environment has faults:\n${faults}`);
}

import { z } from 'zod';
import { AwsError } from '../service.ts';

const FlowName = z.string().min(1).max(256);
const MaxResults = z.number().int().min(1).max(100).default(20);
/** The inputs of the operations (AppFlow API model). */
export const INPUT = {
  StartFlow: z.object({
    flowName: FlowName,
    clientToken: z
      .string()
      .regex(/^[ -~]{1,256}$/)
      .optional(),
  }),
  FlowByName: z.object({ flowName: FlowName }),
  ListFlows: z.object({ maxResults: MaxResults, nextToken: z.string().optional() }),
  Records: z.object({ flowName: FlowName, maxResults: MaxResults, nextToken: z.string().optional() }),
  Cancel: z.object({ flowName: FlowName, executionIds: z.array(z.string()).max(100).optional() }),
} as const;

/** Reads what a client sends. Throws AwsError `ValidationException` that names every fault. */
export function readInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'input'}: ${issue.message}`);
  throw new AwsError('ValidationException', faults.join('; '));
}

export const writePageToken = (position: number) => Buffer.from(String(position)).toString('base64url');

/** Throws AwsError `ValidationException` for a token that was not given out here. */
export function readPageToken(token: string): number {
  const text = Buffer.from(token, 'base64url').toString();
  if (!/^\d+$/.test(text)) throw new AwsError('ValidationException', 'nextToken: is not one that AppFlow has given');
  return Number(text);
}

import type { z } from 'zod';
import type { Assembly } from './assembly.ts';
import type { MadeResource } from './intrinsics.ts';
import { TemplateFault } from './template.ts';

/** Calls an AWS operation by service and API name, in this process or anywhere else. */
export type CallAws = <Output = unknown>(
  service: 's3' | 'sqs' | 'sns' | 'events' | 'states' | 'lambda' | 'appflow' | 'secretsmanager' | 'monitoring' | 'logs',
  operation: string,
  input: object,
) => Promise<Output>;

/** What a maker gets besides the properties. */
export interface MakeContext {
  readonly logicalId: string;
  readonly stackName: string;
  readonly region: string;
  readonly account: string;
  readonly assembly: Assembly;
  /** The name for a resource that the template does not name; the same at every start. `longest`: what the service allows. */
  name(longest: number): string;
}

/** Makes resources of one type: creates what is not there, and brings what is there to these properties, keeping what it holds. */
export interface ResourceMaker {
  make(properties: Readonly<Record<string, unknown>>, context: MakeContext): MadeResource | Promise<MadeResource>;
  /** Takes away a resource that the template no longer has. Left out: it stays, and does no harm. */
  remove?(made: MadeResource): void | Promise<void>;
}

/** By CloudFormation type. */
export type ResourceMakers = Readonly<Record<string, ResourceMaker>>;

/** The properties in the form the maker needs. Throws TemplateFault that lists what is wrong with them. */
export function readProperties<Schema extends z.ZodType>(
  schema: Schema,
  properties: unknown,
  { logicalId }: Pick<MakeContext, 'logicalId'>,
): z.output<Schema> {
  const parsed = schema.safeParse(properties);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new TemplateFault(`Resource ${logicalId} cannot be made locally: ${faults.join('; ')}`);
}

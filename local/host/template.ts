import { z } from 'zod';

/** What the host cannot make out of the template, with the place in it. */
export class TemplateFault extends Error {
  override readonly name = 'TemplateFault' as const;
}

export interface ResourceDefinition {
  readonly logicalId: string;
  readonly type: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly dependsOn: readonly string[];
  readonly condition: string | undefined;
}

export interface ParameterDefinition {
  readonly type: string;
  readonly default: string | undefined;
}

/** A CloudFormation template, as far as the host reads it. `Rules` and `Metadata` only speak to CloudFormation itself. */
export interface Template {
  readonly description: string | undefined;
  readonly parameters: ReadonlyMap<string, ParameterDefinition>;
  readonly mappings: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>;
  readonly conditions: Readonly<Record<string, unknown>>;
  readonly resources: readonly ResourceDefinition[];
  readonly outputs: Readonly<Record<string, { readonly value: unknown; readonly condition: string | undefined }>>;
}

const templateSchema = z.object({
  AWSTemplateFormatVersion: z.string().optional(),
  Description: z.string().optional(),
  Transform: z.never('transforms are not supported').optional(),
  Parameters: z
    .record(z.string(), z.object({ Type: z.string(), Default: z.union([z.string(), z.number()]).optional() }))
    .default({}),
  Mappings: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown()))).default({}),
  Conditions: z.record(z.string(), z.unknown()).default({}),
  Resources: z.record(
    z.string(),
    z.object({
      Type: z.string(),
      Properties: z.record(z.string(), z.unknown()).default({}),
      DependsOn: z.union([z.string(), z.array(z.string())]).default([]),
      Condition: z.string().optional(),
    }),
  ),
  Outputs: z.record(z.string(), z.object({ Value: z.unknown(), Condition: z.string().optional() })).default({}),
});

/** Reads a template. Throws TemplateFault with every fault of its outer form. */
export function parseTemplate(content: unknown): Template {
  const parsed = templateSchema.safeParse(content);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => `  - ${issue.path.join('.')}: ${issue.message}`).join('\n');
    throw new TemplateFault(`The template cannot be read:\n${faults}`);
  }
  const { Description, Parameters, Mappings, Conditions, Resources, Outputs } = parsed.data;
  return {
    description: Description,
    parameters: new Map(
      Object.entries(Parameters).map(([name, { Type, Default }]) => [
        name,
        { type: Type, default: Default === undefined ? undefined : String(Default) },
      ]),
    ),
    mappings: Mappings,
    conditions: Conditions,
    resources: Object.entries(Resources).map(([logicalId, { Type, Properties, DependsOn, Condition }]) => ({
      logicalId,
      type: Type,
      properties: Properties,
      dependsOn: typeof DependsOn === 'string' ? [DependsOn] : DependsOn,
      condition: Condition,
    })),
    outputs: Object.fromEntries(
      Object.entries(Outputs).map(([name, { Value, Condition }]) => [name, { value: Value, condition: Condition }]),
    ),
  };
}

import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { type CallAws, type MakeContext, type ResourceMakers, readProperties } from '../resource-maker.ts';
import { TemplateFault } from '../template.ts';

const stateMachineSchema = z.object({
  StateMachineName: z.string().optional(),
  StateMachineType: z.string().default('STANDARD'),
  RoleArn: z.string(),
  DefinitionString: z.string().optional(),
  DefinitionS3Location: z.object({ Bucket: z.string(), Key: z.string() }).optional(),
  Definition: z.record(z.string(), z.unknown()).optional(),
  DefinitionSubstitutions: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  LoggingConfiguration: z.unknown().optional(),
  TracingConfiguration: z.unknown().optional(),
});

/**
 * `AWS::StepFunctions::StateMachine`. One that is there is updated: its executions stay, running ones with their old
 * definition.
 */
export function stateMachineMakers(call: CallAws): ResourceMakers {
  return {
    'AWS::StepFunctions::StateMachine': {
      async make(properties, context) {
        const given = readProperties(stateMachineSchema, properties, context);
        const name = given.StateMachineName ?? context.name(80);
        const stateMachineArn = `arn:aws:states:${context.region}:${context.account}:stateMachine:${name}`;
        const definition = substituted(await definitionOf(given, context), given.DefinitionSubstitutions, context);
        const roleArn = given.RoleArn;
        const { stateMachines } = await call<{ stateMachines: { stateMachineArn: string }[] }>(
          'states',
          'ListStateMachines',
          {},
        );
        if (stateMachines.some((machine) => machine.stateMachineArn === stateMachineArn)) {
          await call('states', 'UpdateStateMachine', { stateMachineArn, definition, roleArn });
        } else {
          await call('states', 'CreateStateMachine', { name, definition, roleArn, type: given.StateMachineType });
        }
        return { ref: stateMachineArn, attributes: { Arn: stateMachineArn, Name: name } };
      },
      remove: async ({ ref }) => {
        await call('states', 'DeleteStateMachine', { stateMachineArn: ref });
      },
    },
  };
}

async function definitionOf(given: z.output<typeof stateMachineSchema>, context: MakeContext): Promise<string> {
  if (given.DefinitionS3Location !== undefined) {
    return readFile(context.assembly.fileAsset(given.DefinitionS3Location.Key), 'utf8');
  }
  if (given.DefinitionString !== undefined) return given.DefinitionString;
  if (given.Definition !== undefined) return JSON.stringify(given.Definition);
  throw new TemplateFault(`Resource ${context.logicalId}: the state machine has no definition`);
}

/** Replaces `${Name}` in the definition. Throws TemplateFault that lists the names without a value. */
function substituted(
  definition: string,
  substitutions: Readonly<Record<string, string | number | boolean>>,
  { logicalId }: MakeContext,
): string {
  const missing = new Set<string>();
  const result = definition.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => {
    const value = substitutions[name];
    if (value === undefined) missing.add(name);
    return value === undefined ? whole : String(value);
  });
  if (missing.size > 0) {
    throw new TemplateFault(`Resource ${logicalId}: the definition needs values for ${[...missing].join(', ')}`);
  }
  return result;
}

import type { Assembly } from './assembly.ts';
import { inOrderOfDependency } from './dependencies.ts';
import { conditionHolds, type MadeResource, resolve, type Scope } from './intrinsics.ts';
import { parameterValues } from './parameters.ts';
import { physicalName } from './physical-name.ts';
import type { ResourceMakers } from './resource-maker.ts';
import { type ResourceDefinition, TemplateFault } from './template.ts';

/** A resource as it was deployed; kept between runs, so that what the template no longer has can be taken away. */
export interface DeployedResource extends MadeResource {
  readonly type: string;
}

export interface Deployment {
  /** By logical id. */
  readonly resources: Readonly<Record<string, DeployedResource>>;
  readonly outputs: Readonly<Record<string, string>>;
}

export interface DeployOptions {
  readonly assembly: Assembly;
  readonly parameters: Readonly<Record<string, string>>;
  readonly makers: ResourceMakers;
  readonly region: string;
  readonly account: string;
  /** What an earlier run deployed. */
  readonly previous: Deployment['resources'];
}

/**
 * Makes every resource of the stack, each after those that it needs. Over an earlier deployment it updates in place: the
 * names are the same, so queues keep their messages and state machines their executions; what the template no longer has
 * is removed. Throws TemplateFault before anything is made when the template holds a type that is not known here, and
 * with the resource's name when one cannot be made.
 */
export async function deploy(options: DeployOptions): Promise<Deployment> {
  const { assembly, makers, region, account, previous } = options;
  const { stackName, template } = assembly;
  const made = new Map<string, MadeResource>();
  const scope: Scope = {
    mappings: template.mappings,
    conditions: template.conditions,
    parameters: parameterValues(template, options.parameters, { stackName, region, account }),
    resources: made,
    zones: ['a', 'b', 'c'].map((letter) => `${region}${letter}`),
  };
  const wanted = template.resources.filter(
    ({ condition, logicalId }) => condition === undefined || conditionHolds(condition, scope, `Resources.${logicalId}`),
  );
  refuseUnknownTypes(wanted, makers);

  const resources: Record<string, DeployedResource> = {};
  for (const { logicalId, type, properties } of inOrderOfDependency(wanted)) {
    const name = (longest: number) => physicalName(stackName, logicalId, longest);
    const resolved = resolve(properties, scope, `Resources.${logicalId}.Properties`) as Record<string, unknown>;
    try {
      const context = { logicalId, stackName, region, account, assembly, name };
      const resource = await makers[type]?.make(resolved, context);
      if (resource === undefined) throw new TemplateFault(`there is no maker for ${type}`);
      made.set(logicalId, resource);
      resources[logicalId] = { type, ...resource };
    } catch (error) {
      if (error instanceof TemplateFault) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new TemplateFault(`Resource ${logicalId} (${type}) could not be made: ${reason}`, { cause: error });
    }
  }
  // Dependents first: what was made last goes first.
  for (const [logicalId, gone] of Object.entries(previous).reverse()) {
    const now = resources[logicalId];
    if (now === undefined || now.type !== gone.type || now.ref !== gone.ref) await makers[gone.type]?.remove?.(gone);
  }
  return { resources, outputs: outputsOf(assembly, scope) };
}

function refuseUnknownTypes(resources: readonly ResourceDefinition[], makers: ResourceMakers): void {
  const unknown = resources.filter(({ type }) => makers[type] === undefined);
  if (unknown.length === 0) return;
  const list = unknown.map(({ logicalId, type }) => `  - ${logicalId}: ${type}`).join('\n');
  throw new TemplateFault(
    `The template has ${unknown.length} resource(s) of types that the local host does not know; nothing was made:\n${list}`,
  );
}

function outputsOf({ template }: Assembly, scope: Scope): Record<string, string> {
  const outputs: Record<string, string> = {};
  for (const [name, { value, condition }] of Object.entries(template.outputs)) {
    if (condition !== undefined && !conditionHolds(condition, scope, `Outputs.${name}`)) continue;
    outputs[name] = String(resolve(value, scope, `Outputs.${name}`));
  }
  return outputs;
}

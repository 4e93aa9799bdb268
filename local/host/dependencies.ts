import { intrinsicOf, namesIn } from './intrinsics.ts';
import { type ResourceDefinition, TemplateFault } from './template.ts';

/** The names that a value refers to by `Ref`, `Fn::GetAtt` and `Fn::Sub`: resources, parameters and pseudo parameters. */
export function namesReferredTo(content: unknown): ReadonlySet<string> {
  const names = new Set<string>();
  collect(content, names);
  return names;
}

function collect(content: unknown, names: Set<string>): void {
  const intrinsic = intrinsicOf(content);
  if (intrinsic !== undefined) {
    const [name, argument] = intrinsic;
    if (name === 'Ref' && typeof argument === 'string') names.add(argument);
    if (name === 'Fn::GetAtt') {
      const first: unknown = Array.isArray(argument) ? argument[0] : String(argument).split('.')[0];
      if (typeof first === 'string') names.add(first);
    }
    if (name === 'Fn::Sub') {
      const template: unknown = Array.isArray(argument) ? argument[0] : argument;
      if (typeof template === 'string') for (const part of namesIn(template)) names.add(part.split('.')[0] ?? part);
    }
    collect(argument, names);
    return;
  }
  if (Array.isArray(content)) for (const part of content) collect(part, names);
  else if (typeof content === 'object' && content !== null) {
    for (const part of Object.values(content)) collect(part, names);
  }
}

/**
 * The resources in an order in which each comes after those that it refers to or depends on; otherwise as written.
 * Throws TemplateFault for a circle.
 */
export function inOrderOfDependency(resources: readonly ResourceDefinition[]): readonly ResourceDefinition[] {
  const byId = new Map(resources.map((resource) => [resource.logicalId, resource]));
  const ordered = new Set<ResourceDefinition>();
  const visit = (resource: ResourceDefinition, path: readonly string[]): void => {
    if (ordered.has(resource)) return;
    const { logicalId } = resource;
    if (path.includes(logicalId)) {
      const circle = [...path.slice(path.indexOf(logicalId)), logicalId].join(' -> ');
      throw new TemplateFault(`Resources depend on each other in a circle: ${circle}`);
    }
    for (const name of [...resource.dependsOn, ...namesReferredTo(resource.properties)]) {
      const needed = byId.get(name);
      if (needed !== undefined) visit(needed, [...path, logicalId]);
    }
    ordered.add(resource);
  };
  for (const resource of resources) visit(resource, []);
  return [...ordered];
}

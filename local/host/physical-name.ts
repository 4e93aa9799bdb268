import { createHash } from 'node:crypto';

/**
 * The name of a resource that the template does not name: stack and logical id, so that it is the same at every start.
 * Cut to `longest` characters, with a hash of the whole in place of what is cut off.
 */
export function physicalName(stack: string, logicalId: string, longest: number): string {
  const name = `${stack}-${logicalId}`;
  if (name.length <= longest) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${name.slice(0, longest - hash.length - 1)}-${hash}`;
}

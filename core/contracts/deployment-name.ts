/**
 * The name of a deployment. Whatever has a fixed name in the account or the database carries it, so that several
 * deployments live beside each other: machines, flows, log groups, events, metrics, slot, publication, schema, roles.
 */
import { z } from 'zod';
import { ConfigurationError } from '../errors.ts';

/** What a deployment is called that was given no name. */
export const DEFAULT_NAME = 'sfsync';

/** Fits into the names of state machines (80 characters) and of replication slots (63), each with what is added to it. */
const MAX_LENGTH = 30;

export const deploymentName = z
  .string()
  .max(MAX_LENGTH, `has more than ${MAX_LENGTH} characters`)
  .regex(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/, 'is not lower-case letters and digits, in words joined by single hyphens');

/** The name as it was given, or the default. Throws ConfigurationError. */
export function deploymentNameOf(given: string | undefined): string {
  const { data, error } = deploymentName.safeParse(given ?? DEFAULT_NAME);
  if (data !== undefined) return data;
  const faults = error?.issues.map(({ message }) => message).join(', and ');
  throw new ConfigurationError('FAULTY_NAME', `The name ${given} of the deployment ${faults}.`);
}

/** The variable that carries it to the Lambdas and the streamer. */
export const NAME_VARIABLE = 'SFSYNC_NAME';

/** An object as Salesforce describes it to our user. */
import { z } from 'zod';
import { InvariantError } from '../core/errors.ts';
import type { DescribedObject } from '../core/mapping/described-object.ts';
import { API_VERSION, answeredCode, callFailed, inSession, type SalesforceConnection } from './connection.ts';

const describedObject = z.object({
  queryable: z.boolean(),
  updateable: z.boolean(),
  deletable: z.boolean(),
  fields: z.array(
    z.object({
      name: z.string(),
      type: z.string(),
      length: z.number(),
      scale: z.number(),
      nillable: z.boolean(),
      createable: z.boolean(),
      updateable: z.boolean(),
      defaultedOnCreate: z.boolean(),
      referenceTo: z.array(z.string()),
      externalId: z.boolean(),
      unique: z.boolean(),
      caseSensitive: z.boolean().optional(),
    }),
  ),
});

/** undefined: there is no such object, or our user may not see it. */
export async function describeObject(
  connection: SalesforceConnection,
  object: string,
): Promise<DescribedObject | undefined> {
  const answer = await askDescribe(connection, object);
  return answer === undefined ? undefined : readDescribe(object, answer);
}

/** What Salesforce answers, as it is; undefined: there is no such object, or our user may not see it. */
export async function askDescribe(connection: SalesforceConnection, object: string): Promise<unknown> {
  const url = `/services/data/v${API_VERSION}/sobjects/${object}/describe`;
  try {
    return await inSession(connection, async () => await connection.request(url));
  } catch (error) {
    const code = answeredCode(error);
    if (code === 'NOT_FOUND' || code === 'INVALID_TYPE') return undefined;
    throw callFailed(error);
  }
}

/** Throws InvariantError for an answer that is no description of an object. */
export function readDescribe(object: string, answer: unknown): DescribedObject {
  const parsed = describedObject.safeParse(answer);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path }) => path.join('.')).join(', ');
  throw new InvariantError('UNREADABLE_DESCRIBE', `Salesforce describes ${object} in an unknown way: ${faults}.`);
}

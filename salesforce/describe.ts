/** An object as Salesforce describes it to our user. */
import { z } from 'zod';
import { InvariantError } from '../core/errors.ts';
import type { DescribedField, DescribedObject } from '../core/mapping/described-object.ts';
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
      precision: z.number().optional(),
      nillable: z.boolean(),
      createable: z.boolean(),
      updateable: z.boolean(),
      defaultedOnCreate: z.boolean(),
      referenceTo: z.array(z.string()),
      externalId: z.boolean(),
      unique: z.boolean(),
      caseSensitive: z.boolean().optional(),
      picklistValues: z.array(z.object({ value: z.string().nullable(), active: z.boolean() })).optional(),
      restrictedPicklist: z.boolean().optional(),
      calculated: z.boolean().optional(),
      autoNumber: z.boolean().optional(),
      htmlFormatted: z.boolean().optional(),
    }),
  ),
});

/** undefined: there is no such object, or our user may not see it. */
export async function describeObject(
  connection: SalesforceConnection,
  object: string,
): Promise<DescribedObject | undefined> {
  const answer = await askDescribe(connection, object);
  if (answer === undefined) return undefined;
  const described = readDescribe(object, answer);
  const isEncrypted = ({ type }: DescribedField) => type === 'encryptedstring';
  if (!described.fields.some(isEncrypted) || (await viewsEncrypted(connection))) return described;
  return { ...described, fields: described.fields.map((field) => ({ ...field, isMasked: isEncrypted(field) })) };
}

/** Whether our user is known to see encrypted texts (Object Reference, UserPermissionAccess). */
async function viewsEncrypted(connection: SalesforceConnection): Promise<boolean> {
  const soql = 'SELECT PermissionsViewEncryptedData FROM UserPermissionAccess LIMIT 1';
  try {
    const { records } = await inSession(connection, async () => await connection.query(soql));
    return records[0]?.PermissionsViewEncryptedData === true;
  } catch (error) {
    // Not for our user, or not in this edition.
    if (['INVALID_TYPE', 'INVALID_FIELD', 'INSUFFICIENT_ACCESS'].includes(answeredCode(error) ?? '')) return false;
    throw callFailed(error);
  }
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

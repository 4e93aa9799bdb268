/** What an org holds, before anything of it is mapped. */
import { z } from 'zod';
import { InvariantError } from '../core/errors.ts';
import { API_VERSION, answeredCode, callFailed, inSession, type SalesforceConnection } from './connection.ts';

const globalDescribe = z.object({
  sobjects: z.array(
    z.object({
      name: z.string(),
      label: z.string(),
      labelPlural: z.string(),
      queryable: z.boolean(),
      updateable: z.boolean(),
    }),
  ),
});

/** An object as the org lists it. */
export type OrgObject = z.output<typeof globalDescribe>['sobjects'][number];

/** Objects that our user may read and edit. */
export async function listObjects(connection: SalesforceConnection): Promise<OrgObject[]> {
  let answer: unknown;
  try {
    answer = await ask(connection, 'sobjects');
  } catch (error) {
    throw callFailed(error);
  }
  const parsed = globalDescribe.safeParse(answer);
  if (parsed.success) return parsed.data.sobjects.filter(({ queryable, updateable }) => queryable && updateable);
  throw new InvariantError('UNREADABLE_DESCRIBE', 'Salesforce lists its objects in an unknown way.');
}

/**
 * The answer to a query for the stages of opportunities, which have a meaning that a describe does not hold; undefined: our
 * user may not see them.
 */
export async function queryStages(connection: SalesforceConnection): Promise<unknown> {
  const soql = 'SELECT ApiName, DefaultProbability, IsClosed, IsWon, ForecastCategoryName FROM OpportunityStage';
  try {
    return await ask(connection, `query?q=${encodeURIComponent(soql)}`);
  } catch (error) {
    if (answeredCode(error) === 'INVALID_TYPE') return undefined;
    throw callFailed(error);
  }
}

async function ask(connection: SalesforceConnection, resource: string): Promise<unknown> {
  const url = `/services/data/v${API_VERSION}/${resource}`;
  return await inSession(connection, async () => await connection.request(url));
}

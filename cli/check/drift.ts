/** The part of `sfsync check` that compares sync.config.ts with the tables and, where the org is known, with Salesforce. */

import { SyncError } from '../../core/errors.ts';
import type { SyncConfiguration } from '../../core/mapping/configuration.ts';
import type { Drift } from '../../core/mapping/drift.ts';
import { unnamedTargets } from '../../core/mapping/lookup-drift.ts';
import { salesforceDrift } from '../../core/mapping/org-drift.ts';
import { tableDrift } from '../../core/mapping/table-drift.ts';
import { listDrift } from '../../postgres/ledger/drift.ts';
import { listInexact } from '../../postgres/ledger/inexact-columns.ts';
import { listRefusing } from '../../postgres/ledger/mapped-columns.ts';
import { type LinkedOrg, readOrg } from '../../postgres/ledger/org.ts';
import { codeFindings } from '../../postgres/prepare/code-check.ts';
import { expressionFaults, tableFindings } from '../../postgres/prepare/database-check.ts';
import { keyWarnings } from '../../postgres/prepare/key-check.ts';
import { lackingGrants, lackingOnTables } from '../../postgres/prepare/rights.ts';
import { readServerFacts } from '../../postgres/prepare/server-facts.ts';
import { type CatalogTable, readTables, tablesAlike } from '../../postgres/prepare/table-catalog.ts';
import { copiedIds, copiedKeys, ownVisibilityFaults } from '../../postgres/prepare/visibility.ts';
import { tryWrites } from '../../postgres/prepare/write-trial.ts';
import type { Session } from '../../postgres/session/connection.ts';
import type { SalesforceConnection } from '../../salesforce/connection.ts';
import { describeObject } from '../../salesforce/describe.ts';

/** Connects to the org; undefined: none was named. */
export type OrgSource = (() => Promise<SalesforceConnection>) | undefined;

/** What has drifted, object by object. An org that cannot be asked is one more finding beside the others. */
export async function findDrift(
  client: Session,
  org: OrgSource,
  configuration: SyncConfiguration,
  slot: string,
): Promise<Drift[]> {
  const server = await readServerFacts(client, slot);
  const tables = await readTables(client, configuration.objects);
  const alike = await tablesAlike(client, configuration.objects, tables);
  const inTables = configuration.objects.flatMap((mapping): Drift[] => {
    const gone = tableDrift(mapping, tables.get(mapping.object)?.columns, alike);
    // The findings of a table that lacks columns would repeat it.
    if (gone.length > 0) return gone;
    const { faults, warnings } = tableFindings(mapping, server, tables, configuration);
    return [
      ...faults.map((text): Drift => ({ kind: 'broken', text })),
      ...warnings.map((text): Drift => ({ kind: 'risky', text })),
    ];
  });
  for (const { object, field, since } of await listRefusing(client)) {
    const text = `${object}.${field}: its column is there again and has refused, last at ${since.toISOString()}, what it should hold, so it is left out in both directions; make the column as it was`;
    inTables.push({ kind: 'broken', text });
  }
  if (server.applyRoleExists) inTables.push(...(await rightsDrift(client, configuration, tables)));
  for (const text of await copiedIds(client, configuration, tables)) inTables.push({ kind: 'broken', text });
  for (const text of await copiedKeys(client, configuration, tables)) inTables.push({ kind: 'broken', text });
  for (const text of await ownVisibilityFaults(client)) inTables.push({ kind: 'broken', text });
  for (const text of await keyWarnings(client, configuration, tables)) inTables.push({ kind: 'risky', text });
  for (const { object, field, type, since } of await listInexact(client)) {
    const text = `${object}.${field}: since ${since.toISOString()} its column, ${type}, has held values of Salesforce otherwise than they are there (rounded, cut or folded); they count as equal; widen the column, or set onLoss 'reject' for the field`;
    inTables.push({ kind: 'risky', text });
  }
  for (const text of await expressionFaults(client, configuration, tables)) inTables.push({ kind: 'broken', text });
  const ofCodes = await codeFindings(client, configuration, tables);
  for (const text of ofCodes.faults) inTables.push({ kind: 'broken', text });
  for (const text of ofCodes.warnings) inTables.push({ kind: 'risky', text });
  if (org === undefined) {
    return [...inTables, ...otherOrg(await readOrg(client), undefined), ...(await vanishedFields(client))];
  }
  const inSalesforce: Drift[] = [];
  try {
    const connection = await org();
    const mapped = configuration.objects.map(({ object }) => object);
    inSalesforce.push(...otherOrg(await readOrg(client), connection.organizationId));
    for (const mapping of configuration.objects) {
      const described = await describeObject(connection, mapping.object);
      inSalesforce.push(...salesforceDrift(mapping, described, tables.get(mapping.object)?.columns ?? []));
      inSalesforce.push(...unnamedTargets(mapping, described, mapped));
    }
  } catch (error) {
    if (!(error instanceof SyncError)) throw error;
    inSalesforce.push({ kind: 'broken', text: `Salesforce could not be looked at: ${error.message}` });
    inSalesforce.push(...(await vanishedFields(client)));
  }
  return [...inTables, ...inSalesforce];
}

/** What the Lambdas' role may not do: what prepare grants, and what only a trial shows. */
async function rightsDrift(
  client: Session,
  configuration: SyncConfiguration,
  tables: ReadonlyMap<string, CatalogTable | undefined>,
): Promise<Drift[]> {
  const lacking = [...(await lackingOnTables(client, configuration)), ...(await lackingGrants(client, configuration))];
  if (lacking.length > 0) {
    return lacking.map((text) => ({ kind: 'broken', text: `${text}: run \`sfsync prepare\`, which grants it` }));
  }
  const { faults, untried } = await tryWrites(client, configuration, tables);
  return [
    ...faults.map((text): Drift => ({ kind: 'broken', text })),
    ...untried.map((text): Drift => ({ kind: 'risky', text })),
  ];
}

/** `reached`: the org that was asked; undefined: none was, and what the steps have found counts. */
function otherOrg(linked: LinkedOrg | undefined, reached: string | undefined): Drift[] {
  const other = reached ?? linked?.other ?? undefined;
  if (linked === undefined || other === undefined || other === linked.id) return [];
  const text = `the database is linked with org ${linked.id}, and the secret leads to org ${other}: nothing is written to either side; correct the secret, or run \`sfsync org --accept ${other}\` if it is meant`;
  return [{ kind: 'broken', text }];
}

/** What the pipelines have seen, where the org itself was not asked. */
async function vanishedFields(client: Session): Promise<Drift[]> {
  return (await listDrift(client)).map(({ object, field, since, change, renaming }) => {
    const leftOut = `it is left out in both directions since ${since.toISOString()}`;
    if (renaming && change !== null) return { kind: 'broken', text: `${object}.${field}: ${change}; ${leftOut}` };
    const text =
      change === null
        ? `Salesforce has not shown it since ${since.toISOString()}, and it is left out in both directions; give our user read access (field-level security), or change sync.config.ts`
        : `${change}, or give the field its type back; ${leftOut}`;
    return { kind: 'broken', text: `${object}.${field}: ${text}` };
  });
}

/** `! ` stands before what has to be mended, `- ` before what may cost single records. */
export function describeDrift(drifts: readonly Drift[]): string[] {
  return drifts.map(({ kind, text }) => `${kind === 'broken' ? '!' : '-'} ${text}`);
}

/** The versions of both sides, as they wrote them down. */
import type { Value, Version } from '../history/history.ts';
import { lastRowVersion, rowVersions } from '../world/recording.ts';
import type { World } from '../world/world.ts';

/** How far both sides had come at a moment. */
export interface Marks {
  readonly salesforce: number;
  readonly postgres: number;
}

interface RecordVersion {
  readonly sequence: number;
  readonly at: number;
  readonly object: string;
  readonly id: string;
  readonly kind: 'create' | 'update' | 'delete' | 'undelete' | 'hardDelete' | 'merge' | 'purge';
  readonly client?: string;
  readonly cascade: boolean;
  readonly values: Readonly<Record<string, Value>>;
}

const PAGE = 2_000;

export async function marks(world: World): Promise<Marks> {
  const [salesforce, postgres] = await Promise.all([
    world.org<{ last: number }>('GET', 'versions?limit=0'),
    lastRowVersion(world.pool),
  ]);
  return { salesforce: salesforce.last, postgres };
}

/** Those of Salesforce, then those of PostgreSQL, each in their order. */
export async function versionsSince(world: World, since: Marks): Promise<Version[]> {
  const fields = fieldsOf(world);
  const records: Version[] = [];
  for (let after = since.salesforce; ; ) {
    const { versions } = await world.org<{ versions: RecordVersion[] }>('GET', `versions?after=${after}&limit=${PAGE}`);
    records.push(
      ...versions.filter(({ object }) => fields.has(object)).map((version) => recordVersion(version, fields)),
    );
    after = versions.at(-1)?.sequence ?? after;
    if (versions.length < PAGE) break;
  }
  return [...records, ...(await rowVersions(world.pool, since.postgres))];
}

/** What is kept of a record: fields that are mapped now or may be, and what the platform says of its state. */
function fieldsOf({ configuration }: World): ReadonlyMap<string, ReadonlySet<string>> {
  const always = ['IsDeleted', 'SystemModstamp', 'External_Id__c', 'Title', 'NextStep'];
  return new Map(
    configuration.objects.map(({ object, fields }) => [
      object,
      new Set([...always, ...fields.map(({ field }) => field)]),
    ]),
  );
}

function recordVersion(
  { sequence, at, object, id, kind, client, cascade, values }: RecordVersion,
  fields: ReadonlyMap<string, ReadonlySet<string>>,
): Version {
  const kept = Object.entries(values).filter(([field]) => fields.get(object)?.has(field));
  const merged = typeof values.MasterRecordId === 'string' ? values.MasterRecordId : undefined;
  const mergedInto = kind === 'delete' ? merged : undefined;
  return {
    side: 'salesforce',
    sequence,
    object,
    key: id,
    kind: kind === 'hardDelete' ? 'purge' : kind === 'merge' ? 'update' : kind,
    at,
    values: Object.fromEntries(kept),
    writer: writerOf(client, cascade && mergedInto === undefined),
    ...(mergedInto === undefined ? {} : { mergedInto }),
  };
}

/** sfsync gives itself a name of its own, AppFlow none. */
function writerOf(client: string | undefined, cascade: boolean): Version['writer'] {
  const operation = /^chaos-(\d+)$/.exec(client ?? '')?.[1];
  if (cascade) return { by: 'consequence' };
  return operation === undefined ? { by: 'sfsync' } : { by: 'client', operation: Number(operation) };
}

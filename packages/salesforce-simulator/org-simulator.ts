import type { DatabaseSync } from 'node:sqlite';
import { Api } from './api.ts';
import { ApiUsage } from './api-usage.ts';
import { BulkRunner } from './bulk/bulk-runner.ts';
import { ingestRoutes } from './bulk/ingest-api.ts';
import { JobStore } from './bulk/job-store.ts';
import { bulkQueryRoutes } from './bulk/query-api.ts';
import { controlAnswer } from './control-api.ts';
import type { FaultOptions } from './faults/fault-catalogue.ts';
import { Faults } from './faults/faults.ts';
import { listen } from './http-server.ts';
import { oauthRoutes } from './oauth.ts';
import type { Org } from './org.ts';
import { OrgSettings } from './org-settings.ts';
import { PLATFORM_OBJECTS } from './platform-objects.ts';
import { toDatetime } from './records/instant.ts';
import { RecordStore } from './records/record-store.ts';
import { VersionLog } from './records/version-log.ts';
import { orgRoutes, versionListRoute } from './rest/api-versions.ts';
import { collectionRoutes } from './rest/collections.ts';
import { compositeRoutes } from './rest/composite.ts';
import { describeRoutes } from './rest/describes.ts';
import { queryRoutes } from './rest/queries.ts';
import { replicationRoutes } from './rest/replication.ts';
import { rowRoutes } from './rest/rows.ts';
import { Router } from './router.ts';
import type { FieldDefinition, ObjectDefinition } from './schema/object-definition.ts';
import { type OpportunityStage, STANDARD_STAGES } from './schema/opportunity-stages.ts';
import { OrgSchema } from './schema/org-schema.ts';
import { loadPlatformRecords, loadSeed, type SeedRecord } from './seed.ts';
import { Sessions } from './sessions.ts';
import { soapRoutes } from './soap/soap-api.ts';
import { QueryCursors } from './soql/query-cursors.ts';
import { Stats } from './stats.ts';

export { type DescribedOrg, DescribeFault, objectsFromDescribes } from './schema/from-describe.ts';
export type { ObjectDefinition } from './schema/object-definition.ts';
export { type OpportunityStage, stagesFromQuery } from './schema/opportunity-stages.ts';
export type { SeedRecord } from './seed.ts';

/** Objects that an org has without being given them. */
export const PLATFORM_OBJECT_NAMES: readonly string[] = PLATFORM_OBJECTS.map(({ name }) => name);

export interface OrgSimulatorOptions {
  /** 0 takes a free one. */
  readonly port: number;
  /** Holds the records; what was answered with success is in it. */
  readonly store: DatabaseSync;
  /** Milliseconds since 1970. @default Date.now */
  readonly clock?: () => number;
  /** The org's own objects; those of `PLATFORM_OBJECT_NAMES` are there in any case. */
  readonly objects: readonly ObjectDefinition[];
  /** Of opportunities. @default those of a new org */
  readonly stages?: readonly OpportunityStage[];
  /** Makes the first records; asked once in the life of the store, with the time then. */
  readonly seed?: (now: number) => readonly SeedRecord[];
}

export interface OrgSimulator {
  readonly instanceUrl: string;
  /** Does not expire. */
  readonly accessToken: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly refreshToken: string;
  readonly username: string;
  readonly password: string;
  readonly organizationId: string;
  readonly userId: string;
  /** Closes all connections. The store stays open: it belongs to the caller. */
  stop(): Promise<void>;
}

type ChangedType = Pick<FaultOptions<'changedField'>, 'type' | 'referenceTo' | 'length'>;

function fieldChange({ type, referenceTo, length }: ChangedType): Partial<FieldDefinition> {
  return { type, ...(referenceTo === undefined ? {} : { referenceTo }), ...(length === undefined ? {} : { length }) };
}

/** An object that the org's administrator has described is taken from there. */
function isNotIn(objects: readonly ObjectDefinition[]): (object: ObjectDefinition) => boolean {
  return ({ name }) => !objects.some((object) => object.name === name);
}

/** Starts an org on 127.0.0.1. Rejects when the port is taken. */
export async function startOrgSimulator(options: OrgSimulatorOptions): Promise<OrgSimulator> {
  const clock = options.clock ?? Date.now;
  const faults = new Faults();
  const schema = new OrgSchema([...PLATFORM_OBJECTS.filter(isNotIn(options.objects)), ...options.objects]);
  const stats = new Stats();
  const settings = new OrgSettings(options.store);
  const identity = settings.identity();
  const now = () => clock() + faults.all('clockSkew').reduce((sum, { seconds }) => sum + seconds * 1000, 0);
  const versions = new VersionLog(options.store, clock);
  const records = new RecordStore(options.store, schema, versions, (effects) =>
    stats.written(effects, toDatetime(now())),
  );
  let schemaChangedAt = now();
  let origin = '';
  const org: Org = {
    schema,
    records,
    faults,
    stats,
    usage: new ApiUsage(now),
    identity,
    stages: options.stages ?? STANDARD_STAGES,
    instanceUrl: () => origin,
    now,
    schemaChangedAt: () => schemaChangedAt,
  };
  if (settings.get('loaded') === undefined) {
    loadPlatformRecords(org);
    loadSeed(org, options.seed?.(now()) ?? []);
    settings.set('loaded', toDatetime(now()));
    stats.reset();
  }
  let administered = '';
  faults.onChange(() => {
    const hidden = faults.all('hiddenField');
    const changed = faults.all('changedField');
    if (JSON.stringify([hidden, changed]) === administered) return;
    administered = JSON.stringify([hidden, changed]);
    for (const schemaOf of schema.objects) {
      const isOf = ({ object }: { readonly object: string }) => object.toLowerCase() === schemaOf.name.toLowerCase();
      schemaOf.hideExactly(new Set(hidden.filter(isOf).map(({ field }) => field.toLowerCase())));
      const changes = changed.filter(isOf).map(({ object: _, field, ...change }) => {
        return [field.toLowerCase(), fieldChange(change)] as const;
      });
      schemaOf.changeExactly(new Map(changes));
    }
    // Describes are compared to the second: a change in the second of the last one has to show.
    schemaChangedAt = Math.max(now(), schemaChangedAt + 1000);
  });

  const sessions = new Sessions(options.store, identity.organizationId, identity.accessToken);
  const jobs = new JobStore(options.store);
  const runner = new BulkRunner(org, jobs);
  const combinable = [
    ...orgRoutes,
    ...describeRoutes,
    ...replicationRoutes,
    ...queryRoutes(new QueryCursors()),
    ...collectionRoutes,
    ...rowRoutes,
  ];
  const bulk = [...ingestRoutes(jobs, runner), ...bulkQueryRoutes(jobs, runner)];
  const versioned = [...compositeRoutes(new Router(combinable)), ...bulk, ...combinable];
  const unversioned = [versionListRoute, ...oauthRoutes(sessions), ...soapRoutes(sessions)];
  const api = new Api(org, sessions, versioned, unversioned);
  const server = await listen(options.port, async (request) => {
    const control = controlAnswer(org, sessions, request);
    return control ?? api.answer(request);
  });
  origin = server.origin;
  return {
    instanceUrl: origin,
    accessToken: identity.accessToken,
    clientId: identity.clientId,
    clientSecret: identity.clientSecret,
    refreshToken: identity.refreshToken,
    username: identity.username,
    password: identity.password,
    organizationId: identity.organizationId,
    userId: identity.userId,
    stop: async () => {
      api.stop();
      await server.stop();
      await runner.stop();
    },
  };
}

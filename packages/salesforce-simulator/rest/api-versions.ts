import { type Answer, type Call, ok, type Route } from '../call.ts';
import { identityUrl } from '../oauth.ts';
import type { Org } from '../org.ts';
import { isLive } from '../records/stored-record.ts';
import { notFound, SalesforceError } from '../salesforce-error.ts';
import { attributes } from '../soql/projection.ts';

export const OLDEST_VERSION = 50;
export const NEWEST_VERSION = 66;

const SEASONS = ['Spring', 'Summer', 'Winter'];

/** `Spring '26` for 66: three releases a year, the winter one named after the year to come. */
function label(version: number): string {
  const sinceSpring16 = version - 36;
  const season = SEASONS[sinceSpring16 % 3] ?? '';
  const year = 16 + Math.floor(sinceSpring16 / 3) + (season === 'Winter' ? 1 : 0);
  return `${season} '${year}`;
}

/** `GET /services/data`: no token needed. */
export const versionListRoute: Route = {
  pattern: 'services/data',
  kind: 'versions',
  open: true,
  methods: {
    GET: () => {
      const versions: object[] = [];
      for (let v = OLDEST_VERSION; v <= NEWEST_VERSION; v++)
        versions.push({ label: label(v), url: `/services/data/v${v}.0`, version: `${v}.0` });
      return ok(versions);
    },
  },
};

/** Throws when the URL's version is retired (410) or not yet there (404). */
export function checkVersion(version: string): void {
  const n = Number(version);
  if (!/^\d+\.0$/.test(version) || n > NEWEST_VERSION) throw notFound();
  if (n < OLDEST_VERSION)
    throw new SalesforceError(
      'UNSUPPORTED_API_VERSION',
      `API version ${version} is not available in this org: use v${OLDEST_VERSION}.0 to v${NEWEST_VERSION}.0`,
      { status: 410 },
    );
}

/** What belongs to the org as a whole. */
export const orgRoutes: readonly Route[] = [
  { pattern: '', kind: 'versions', methods: { GET: resources } },
  { pattern: 'limits', kind: 'limits', methods: { GET: limits } },
  { pattern: 'recent', kind: 'recent', methods: { GET: recent } },
];

function resources(org: Org, call: Call): Answer {
  const base = `/services/data/v${call.version}`;
  return ok({
    composite: `${base}/composite`,
    identity: identityUrl(org),
    jobs: `${base}/jobs`,
    limits: `${base}/limits`,
    query: `${base}/query`,
    queryAll: `${base}/queryAll`,
    recent: `${base}/recent`,
    sobjects: `${base}/sobjects`,
    tooling: `${base}/tooling`,
  });
}

function limits(org: Org): Answer {
  const full = (Max: number) => ({ Max, Remaining: Max });
  return ok({
    DailyApiRequests: { Max: org.usage.allowed, Remaining: Math.max(0, org.usage.allowed - org.usage.used) },
    DailyBulkApiBatches: full(15_000),
    DailyBulkV2QueryJobs: full(10_000),
    DailyBulkV2QueryFileStorageMB: full(976_562),
    DataStorageMB: full(1024),
    FileStorageMB: full(1024),
    HourlyPublishedPlatformEvents: full(50_000),
  });
}

/** The records changed last, of all objects. */
function recent(org: Org, call: Call): Answer {
  const limit = Math.min(200, Number(call.query.get('limit') ?? 200));
  const records = org.schema.objects
    .filter((object) => object.definition.writable ?? true)
    .flatMap((object) => org.records.table(object.name).all().filter(isLive));
  const newest = records.sort((a, b) => (String(a.values.SystemModstamp) < String(b.values.SystemModstamp) ? 1 : -1));
  return ok(
    newest.slice(0, limit).map((record) => ({
      attributes: attributes(record.object, record.id, call.version),
      Id: record.id,
      Name: record.values.Name ?? null,
    })),
  );
}

/** What the demonstration performs and checks, in order. A step throws when it does not see what it should see. */
import { until, type World } from './world.ts';

export interface Step {
  readonly name: string;
  /** Performs the step; answers when what it waits for was seen. The time until then is the lag. */
  readonly run: (world: World) => Promise<void>;
}

const SEEDED = { lenders: 60, borrowers: 300, loan_applications: 500 } as const;

interface Borrower {
  readonly id: string;
  readonly salesforce_id: string;
  readonly email: string | null;
  readonly phone: string | null;
  readonly password_digest: string | null;
  readonly lender_id: string | null;
}

class Failed extends Error {
  override readonly name = 'Failed' as const;
}

function check(condition: boolean, otherwise: string): void {
  if (!condition) throw new Failed(otherwise);
}

/** The record that the demonstration makes, and its row. */
class Record {
  id = '';
  rowKey = '';
  version = '';

  row(world: World): Promise<(Borrower & { version: string }) | undefined> {
    return world.row('select xmin::text as version, * from borrowers where salesforce_id = $1', [this.id]);
  }
}

export function demonstrationSteps(): Step[] {
  const record = new Record();
  return [
    { name: 'initial load of the sample', run: initialLoad },
    ...withoutEcho('create in Salesforce -> Postgres', record, 1, (world) => create(world, record)),
    ...withoutEcho('update in Salesforce -> Postgres', record, 1, (world) => updateInSalesforce(world, record)),
    ...withoutEcho('update in Postgres -> Salesforce', record, 1, (world) => updateInPostgres(world, record)),
    ...withoutEcho('delete in Salesforce -> Postgres', record, 1, (world) => deleteInSalesforce(world, record)),
    ...withoutEcho('undelete in Salesforce -> Postgres', record, 1, (world) => undelete(world, record)),
    ...withoutEcho('delete in Postgres -> Salesforce', record, 1, (world) => deleteInPostgres(world, record)),
    { name: 'a broken file -> notification', run: brokenFile },
  ];
}

/**
 * A step, and then: when everything has come to rest, Salesforce was written exactly as often as there were edits, and the
 * row is still the one that the step saw.
 */
function withoutEcho(name: string, record: Record, writes: number, run: Step['run']): Step[] {
  let before = 0;
  return [
    {
      name,
      run: async (world) => {
        before = await world.writesToSalesforce();
        await run(world);
        record.version = (await record.row(world))?.version ?? 'gone';
      },
    },
    {
      name: `no echo of the ${name.replace(/ ->.*/, '')}`,
      run: async (world) => {
        await world.rest('Contact');
        const written = (await world.writesToSalesforce()) - before;
        check(written === writes, `Salesforce was written ${written} times instead of ${writes}`);
        const version = (await record.row(world))?.version ?? 'gone';
        check(version === record.version, 'the row was written once more');
      },
    },
  ];
}

async function initialLoad(world: World): Promise<void> {
  for (const [table, count] of Object.entries(SEEDED)) {
    await until(`${count} rows in ${table}`, async () => {
      const found = await world.row<{ rows: number }>(`select count(*)::int as rows from ${table}`);
      return (found?.rows ?? 0) >= count;
    });
  }
  await until('all children joined to their parents', async () => {
    const orphans = await world.row(`select from sfsync.link where waiting <> '{}' limit 1`);
    return orphans === undefined;
  });
}

async function create(world: World, record: Record): Promise<void> {
  const lender = await world.row<{ id: string; salesforce_id: string }>(
    'select id, salesforce_id from lenders order by name limit 1',
  );
  const fields = { FirstName: 'Ada', LastName: 'Lovelace', Email: 'ada@example.com', AccountId: lender?.salesforce_id };
  const created = await world.salesforce.sobject('Contact').create(fields);
  record.id = created.id ?? '';
  const row = await until('the new row', () => record.row(world));
  check(row.email === 'ada@example.com' && row.lender_id === lender?.id, 'the row differs from the record');
  record.rowKey = row.id;
  // Something that Salesforce never sees: an undelete has to bring it back.
  await world.rows('update borrowers set password_digest = $2 where id = $1', [row.id, 'digest']);
}

async function updateInSalesforce(world: World, record: Record): Promise<void> {
  await world.salesforce.sobject('Contact').update({ Id: record.id, Phone: '+44 20 1815' });
  await until('the edit in the row', async () => (await record.row(world))?.phone === '+44 20 1815');
}

async function updateInPostgres(world: World, record: Record): Promise<void> {
  await world.rows('update borrowers set email = $2 where id = $1', [record.rowKey, 'countess@example.com']);
  await until('the edit in the record', async () => {
    const contact = await world.salesforce.sobject('Contact').retrieve(record.id);
    return contact.Email === 'countess@example.com';
  });
}

async function deleteInSalesforce(world: World, record: Record): Promise<void> {
  await world.salesforce.sobject('Contact').destroy(record.id);
  await until('the row gone', async () => (await record.row(world)) === undefined);
}

async function undelete(world: World, record: Record): Promise<void> {
  await world.salesforce.soap.undelete([record.id]);
  const row = await until('the row back', () => record.row(world));
  check(
    row.id === record.rowKey && row.password_digest === 'digest',
    'the row came back without its key or its own columns',
  );
}

async function deleteInPostgres(world: World, record: Record): Promise<void> {
  await world.rows('delete from borrowers where id = $1', [record.rowKey]);
  await until('the record in the recycle bin', async () => {
    const found = await world.salesforce.query(`SELECT IsDeleted FROM Contact WHERE Id = '${record.id}'`, {
      scanAll: true,
    });
    return found.records[0]?.IsDeleted === true;
  });
}

async function brokenFile(world: World): Promise<void> {
  const key = await world.putInboundFile('Contact', 'this is no record\nand this is none either\n');
  await until('a notification that names the file', async () => world.notifications().includes(key));
}

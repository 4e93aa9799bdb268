/** What the application does to a family at the very moment at which a step writes parents or children. */
import type pg from 'pg';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { SalesforceVersion } from '../../../core/mapping/salesforce-version.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { attempt, NO_LOCK, onceAfter, onceBefore } from '../../support/postgres/between-statements.ts';
import { deletedVersion, useLenderDatabase, version } from '../../support/postgres/lender-database.ts';
import { contextOf } from '../../support/system/steps.ts';

const PARENT = '001000000000001AAA';
const CHILD = '003000000000001AAA';

const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
let application: pg.Client;
beforeAll(async () => {
  application = await lender.database.client();
});
beforeEach(async () => {
  session = await lender.session();
  await rows('truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.rejected_record, sfsync.tombstone');
});

function apply(object: string, ...versions: SalesforceVersion[]) {
  const lines = versions.map((each, i) => ({ line: i + 1, version: each }));
  return applyVersions(contextOf(session, configuration, object), 'file', lines, Date.UTC(2030, 0, 1));
}
const child = (second = 1) => version('Contact', CHILD, second, { AccountId: PARENT });
const family = () =>
  rows(
    'select b.last_name as child, l.salesforce_id as parent from borrowers b left join lenders l on l.id = b.lender_id',
  );
/** The application gives the parent a child of its own. */
const INSERT_CHILD = `insert into borrowers (last_name, lender_id) select 'New', id from lenders`;

describe('a parent that Salesforce has deleted', () => {
  beforeEach(() => apply('Account', version('Account', PARENT, 1)));

  test('and that gets a child before it is locked goes, and the child stays without a parent', async () => {
    const happened = onceBefore(session, /for update of t/, () => application.query(INSERT_CHILD));
    expect(await apply('Account', deletedVersion('Account', PARENT, 2))).toMatchObject({ deleted: 1, rejected: 0 });
    expect([happened(), await family()]).toEqual([true, [{ child: 'New', parent: null }]]);
  });

  test('and to which a linked child is pointed before it is locked goes, and the child is due', async () => {
    await apply('Contact', version('Contact', CHILD, 1));
    const point = 'update borrowers set lender_id = (select id from lenders)';
    const happened = onceBefore(session, /for update of t/, () => application.query(point));
    expect(await apply('Account', deletedVersion('Account', PARENT, 2))).toMatchObject({ deleted: 1, rejected: 0 });
    expect([happened(), await family()]).toMatchObject([true, [{ parent: null }]]);
    // The application had pointed it there only now: that is not what Salesforce has.
    expect(await rows(`select dirty from sfsync.link where object = 'Contact'`)).toEqual([{ dirty: true }]);
  });

  test('gets no child any more while it is buried', async () => {
    let code: string | undefined;
    const happened = onceBefore(session, /insert into sfsync.tombstone/, async () => {
      code = await attempt(application, INSERT_CHILD);
    });
    expect(await apply('Account', deletedVersion('Account', PARENT, 2))).toMatchObject({ deleted: 1, rejected: 0 });
    expect([happened(), code, await family()]).toEqual([true, NO_LOCK, []]);
  });

  test('keeps the links of its children in hand before their rows', async () => {
    await apply('Contact', child());
    let code: string | undefined;
    const happened = onceBefore(session, /^with gone as/, async () => {
      code = await attempt(application, `select from sfsync.link where object = 'Contact' for update`);
    });
    expect(await apply('Account', deletedVersion('Account', PARENT, 2))).toMatchObject({ deleted: 1 });
    expect([happened(), code]).toEqual([true, NO_LOCK]);
    expect(await rows(`select waiting from sfsync.link where object = 'Contact'`)).toEqual([
      { waiting: { AccountId: PARENT } },
    ]);
  });
});

describe('a parent to which a step points a child', () => {
  const REMOVE = 'delete from lenders';
  // Without a foreign key nothing else keeps the parent.
  beforeEach(() => rows('alter table borrowers drop constraint borrowers_lender_id_fkey'));
  afterEach(() =>
    rows('truncate borrowers; alter table borrowers add foreign key (lender_id) references lenders deferrable'),
  );

  test('is not deleted before the child is there', async () => {
    await apply('Account', version('Account', PARENT, 1));
    let code: string | undefined;
    const happened = onceAfter(session, /for key share/, async () => {
      code = await attempt(application, REMOVE);
    });
    await apply('Contact', child());
    expect([happened(), code, await family()]).toMatchObject([true, NO_LOCK, [{ parent: PARENT }]]);
  });

  test('is not deleted before a child that waited for it is joined', async () => {
    await apply('Contact', child());
    let code: string | undefined;
    const happened = onceAfter(session, /for key share of p skip locked/, async () => {
      code = await attempt(application, REMOVE);
    });
    await apply('Account', version('Account', PARENT, 1));
    expect([happened(), code, await family()]).toMatchObject([true, NO_LOCK, [{ parent: PARENT }]]);
  });

  test('and that the application holds is not waited for by a join: the child is joined later', async () => {
    await apply('Contact', child());
    const other = await lender.database.client();
    const happened = onceBefore(session, /for key share of p skip locked/, async () => {
      await other.query('begin; select from lenders for update');
    });
    expect(await apply('Account', version('Account', PARENT, 1))).toMatchObject({ inserted: 1, rejected: 0 });
    expect([happened(), await family()]).toMatchObject([true, [{ parent: null }]]);
    expect(
      await rows(`select reread_due, due_after > now() as later from sfsync.link where object = 'Contact'`),
    ).toEqual([{ reread_due: true, later: true }]);
    await other.query('rollback');
    await apply('Account', version('Account', PARENT, 2));
    expect(await family()).toMatchObject([{ parent: PARENT }]);
  });
});

describe('a row that Apply writes', () => {
  beforeEach(() => apply('Account', version('Account', PARENT, 1, { Phone: 'base' })));
  const again = () => version('Account', PARENT, 2, { Phone: 'org' });
  const WRITE = /^update (only )?"public"."lenders"/;

  test('is not edited between the moment at which it is read and that at which it is written', async () => {
    let code: string | undefined;
    const happened = onceBefore(session, WRITE, async () => {
      code = await attempt(application, `update lenders set phone = 'row'`);
    });
    expect(await apply('Account', again())).toMatchObject({ updated: 1 });
    expect([happened(), code]).toEqual([true, NO_LOCK]);
    expect(await rows('select phone from lenders')).toEqual([{ phone: 'org' }]);
    expect(await rows(`select base ->> 'Phone' as phone from sfsync.link`)).toEqual([{ phone: 'org' }]);
  });

  test('may get children all the same', async () => {
    let code: string | undefined = 'none';
    const happened = onceBefore(session, WRITE, async () => {
      code = await attempt(application, INSERT_CHILD);
    });
    expect(await apply('Account', again())).toMatchObject({ updated: 1 });
    expect([happened(), code]).toEqual([true, undefined]);
  });

  test('is not deleted in between either', async () => {
    let code: string | undefined;
    const happened = onceBefore(session, WRITE, async () => {
      code = await attempt(application, 'delete from lenders');
    });
    await apply('Account', again());
    expect([happened(), code]).toEqual([true, NO_LOCK]);
  });
});

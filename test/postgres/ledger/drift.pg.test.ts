/** `sfsync.drift`: fields that Salesforce no longer has, or has as another type, reported once and asked about again. */

import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { newLink } from '../../../core/agreement/link.ts';
import { mappingOf } from '../../../core/mapping/configuration.ts';
import configuration from '../../../examples/lender/sync.config.ts';
import {
  closeDrift,
  listDrift,
  noteAsked,
  noteDrift,
  noteLookupsAsked,
  openDrift,
} from '../../../postgres/ledger/drift.ts';
import { insertLinks } from '../../../postgres/ledger/links.ts';
import type { Session } from '../../../postgres/session/connection.ts';
import { aMillisecondLater } from '../../support/a-millisecond-later.ts';
import { useLenderDatabase } from '../../support/postgres/lender-database.ts';

const OBJECT = 'Account';
const lender = useLenderDatabase('file');
const { rows } = lender;
let session: Session;
beforeAll(async () => {
  session = await lender.session();
});
beforeEach(() => rows('truncate sfsync.drift, sfsync.link'));

const gone = (field: string, change: string | null = null) => ({ field, change });
const note = (step: string, ...fields: ReturnType<typeof gone>[]) => noteDrift(session, OBJECT, fields, step);
const isNew = (field: string, change: string | null = null) => ({ field, change, isNew: true });

describe('a field that is gone', () => {
  test('is left out, of its object alone, until it is back', async () => {
    await note('step', gone('Phone'), gone('Fax', 'it is a number'));
    await noteDrift(session, 'Contact', [gone('Email')], 'step');
    expect(await openDrift(session, OBJECT)).toEqual(
      new Map([
        ['Phone', gone('Phone')],
        ['Fax', gone('Fax', 'it is a number')],
      ]),
    );
    expect(await closeDrift(session, OBJECT, ['Phone', 'Email', 'Name'])).toBe(true);
    expect(await closeDrift(session, OBJECT, ['Phone'])).toBe(false);
    expect([...(await openDrift(session, OBJECT)).keys()]).toEqual(['Fax']);
    expect([...(await openDrift(session, 'Contact')).keys()]).toEqual(['Email']);
    expect((await listDrift(session)).map(({ object, field }) => [object, field])).toEqual([
      [OBJECT, 'Fax'],
      ['Contact', 'Email'],
    ]);
  });

  test('is reported by the step that saw it first, also when it is tried again, and by no other', async () => {
    expect(await note('one', gone('Phone'), gone('Fax'))).toEqual([isNew('Fax'), isNew('Phone')]);
    expect(await note('one', gone('Phone'))).toEqual([{ ...isNew('Phone'), isNew: false }]);
    expect(await note('two', gone('Phone'), gone('Website'))).toEqual([isNew('Website')]);
  });

  test('is reported anew when it has changed otherwise, or was back', async () => {
    await note('one', gone('Phone'));
    const [first] = await listDrift(session);
    aMillisecondLater();
    expect(await note('two', gone('Phone', 'it is a number'))).toEqual([isNew('Phone', 'it is a number')]);
    expect(await note('one', gone('Phone', 'it is a number'))).toEqual([]);
    expect(await note('two', gone('Phone', 'it is a date'))).toEqual([isNew('Phone', 'it is a date')]);
    await closeDrift(session, OBJECT, ['Phone']);
    expect(await note('two', gone('Phone', 'it is a number'))).toEqual([isNew('Phone', 'it is a number')]);
    expect((await listDrift(session))[0]?.since.getTime()).toBeGreaterThan(first?.since.getTime() ?? 0);
  });

  test('is asked about again five minutes after it was found gone, or was asked about', async () => {
    const later = (column: string, minutes: number) =>
      rows(`update sfsync.drift set ${column} = ${column} - $1 * interval '1 minute'`, [minutes]);
    await note('one', gone('Phone'));
    expect(await noteAsked(session, OBJECT)).toBe(false);
    await later('first_seen', 6);
    expect(await noteAsked(session, 'Contact')).toBe(false);
    expect(await noteAsked(session, OBJECT)).toBe(true);
    expect(await noteAsked(session, OBJECT)).toBe(false);
    await later('asked_at', 4);
    expect(await noteAsked(session, OBJECT)).toBe(false);
    await later('asked_at', 2);
    expect(await noteAsked(session, OBJECT)).toBe(true);
    await later('asked_at', 6);
    await closeDrift(session, OBJECT, ['Phone']);
    expect(await noteAsked(session, OBJECT)).toBe(false);
    // What it was asked about before counts no more.
    await note('one', gone('Phone'));
    expect(await rows('select asked_at from sfsync.drift')).toEqual([{ asked_at: null }]);
  });
});

describe('a lookup for whose parents records wait that are no parents', () => {
  const contacts = mappingOf(configuration, 'Contact');
  const parents = (...ids: string[]) =>
    insertLinks(
      session,
      'Account',
      ids.map((id) => newLink(id, undefined)),
    );
  const waits = (n: number, parent: string) =>
    insertLinks(session, 'Contact', [
      { ...newLink(`00300000000000${n}AAA`, undefined), waiting: { AccountId: parent } },
    ]);

  test('is asked about when their ids have another prefix, lower or higher, once an hour', async () => {
    await parents('001000000000001AAA', '001000000000009AAA');
    await waits(1, '001000000000005AAA');
    for (const [n, parent] of ['00Q000000000001AAA', '000000000000001AAA'].entries()) {
      await insertLinks(session, 'Opportunity', [
        { ...newLink(`00600000000000${n}AAA`, undefined), waiting: { AccountId: parent } },
      ]);
    }
    expect(await noteLookupsAsked(session, contacts)).toEqual([]);
    for (const [n, parent] of [
      [2, '00Q000000000001AAA'],
      [3, '000000000000001AAA'],
    ] as const) {
      await rows('truncate sfsync.drift');
      await waits(n, parent);
      expect(await noteLookupsAsked(session, contacts)).toEqual(['AccountId']);
      expect(await noteLookupsAsked(session, contacts)).toEqual([]);
      await rows(`delete from sfsync.link where salesforce_id = $1`, [`00300000000000${n}AAA`]);
    }
    await waits(4, '00Q000000000001AAA');
    await rows(`update sfsync.drift set asked_at = asked_at - interval '59 minutes'`);
    expect(await noteLookupsAsked(session, contacts)).toEqual([]);
    await rows(`update sfsync.drift set asked_at = asked_at - interval '2 minutes'`);
    expect(await noteLookupsAsked(session, contacts)).toEqual(['AccountId']);
    // Asking is not leaving out.
    expect(await openDrift(session, 'Contact')).toEqual(new Map());
  });

  test('is not while it is left out anyway, or no parent is known', async () => {
    await waits(1, '00Q000000000001AAA');
    expect(await noteLookupsAsked(session, contacts)).toEqual([]);
    await parents('001000000000001AAA');
    await noteDrift(session, 'Contact', [gone('AccountId')], 'one');
    await rows(
      `update sfsync.drift set first_seen = first_seen - interval '2 hours', asked_at = now() - interval '2 hours'`,
    );
    expect(await noteLookupsAsked(session, contacts)).toEqual([]);
  });
});

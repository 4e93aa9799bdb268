/** The two numbers of a place go to Salesforce together: the one that nobody has edited as Salesforce has it. */
import { describe, expect, test } from 'vitest';
import type { Link, RowVersion } from '../../../core/agreement/link.ts';
import { newLink } from '../../../core/agreement/link.ts';
import { decide } from '../../../core/agreement/outbound.ts';
import { pushAgain } from '../../../core/agreement/push-outcome.ts';
import type { FieldValues } from '../../../core/mapping/canonical.ts';
import { defineSync, mappingOf, number, type ObjectMapping, text } from '../../../core/mapping/configuration.ts';
import { otherOfLocation } from '../../../core/mapping/location-parts.ts';
import { layOutPushes } from '../../../steps/push/lay-out.ts';

test.for([
  ['Site__Latitude__s', 'Site__Longitude__s'],
  ['my_site__longitude__s', 'my_site__latitude__s'],
  ['BillingLatitude', 'BillingLongitude'],
  ['Longitude', 'Latitude'],
  ['Latitude__c', undefined],
  ['SiteLatitude__s', undefined],
  ['LatitudeName', undefined],
  ['Site__c', undefined],
] as const)('beside %s stands %s', ([field, other]) => {
  expect(otherOfLocation(field)).toBe(other);
});

const SITE = { Site__Latitude__s: number('latitude'), Site__Longitude__s: number('longitude'), Name: text('name') };

function mapped(fields: Partial<typeof SITE>, delivery: 'api' | 'appflow' = 'api'): ObjectMapping {
  return mappingOf(
    defineSync({ objects: { Thing: { table: 'things', delivery, fields: fields as typeof SITE } } }),
    'Thing',
  );
}

const ID = 'a01000000000001AAA';
const AGREED: FieldValues = { Site__Latitude__s: '45', Site__Longitude__s: '7', Name: 'Here' };
const ROUND = { revision: 0, readAt: 5, pushId: 'next', now: 10, clockSkew: 0 };

function pushOf(edit: FieldValues, look: FieldValues = {}, mapping = mapped(SITE)) {
  const before: Link = { ...newLink(ID, '1'), base: { deleted: false, fields: AGREED }, highWater: 0, dirty: true };
  const row: RowVersion = { fields: { ...AGREED, ...edit } };
  const version = { id: ID, deleted: false, mergedInto: undefined, stamp: 1000, fields: { ...AGREED, ...look } };
  const decision = decide(mapping, { link: before, row }, version, ROUND);
  return decision.outcome === 'push' ? decision : expect.unreachable('nothing is sent');
}

describe('an update through the API', () => {
  test('of one number brings the other', () => {
    expect(pushOf({ Site__Latitude__s: '46' }).push).toMatchObject({
      outgoing: { fields: { Site__Latitude__s: '46' } },
      fillers: { Site__Longitude__s: '7' },
    });
  });
  test('brings it as a person has just set it', () => {
    const { push, row } = pushOf({ Site__Latitude__s: '46' }, { Site__Longitude__s: '8' });
    expect(push.fillers).toEqual({ Site__Longitude__s: '8' });
    expect(row?.fields.Site__Longitude__s).toBe('8');
  });
  test.for<[string, FieldValues]>([
    ['both numbers', { Site__Latitude__s: '46', Site__Longitude__s: '8' }],
    ['something else', { Name: 'There' }],
  ])('of %s brings nothing', ([, edit]) => {
    const { push } = pushOf(edit);
    expect(push.fillers).toEqual({});
  });
  test('brings nothing that may not be written', () => {
    const direction = { direction: 'to-postgres' } as const;
    const mapping = mapped({ ...SITE, Site__Longitude__s: number('longitude', direction) });
    expect(pushOf({ Site__Latitude__s: '46' }, {}, mapping).push.fillers).toEqual({});
  });
  test('is sent with both, and remembers which one was no edit', async () => {
    const { push, link } = pushOf({ Site__Latitude__s: '46' });
    expect(link.push?.sent).toEqual({
      Site__Latitude__s: { value: '46', filler: false },
      Site__Longitude__s: { value: '7', filler: true },
    });
    const written: unknown[] = [];
    const storage = { writeLines: async (_: string, lines: unknown[]) => void written.push(...lines) } as never;
    const batch = { storage, mapping: mapped(SITE), batchId: 'one', execution: 'arn:aws:states:x:0:execution:m:e' };
    const pushes = [{ id: ID, revision: 1, push }];
    await layOutPushes(batch, [], { pushes, inserts: [], org: undefined });
    expect(written).toContainEqual({
      id: ID,
      kind: 'update',
      fields: { Site__Latitude__s: '46', Site__Longitude__s: '7' },
    });
  });
});

test('what an AppFlow run has refused goes through the API with both', () => {
  const { link, push } = pushOf({ Site__Latitude__s: '46' }, {}, mapped(SITE, 'appflow'));
  expect(push.fillers).toEqual({ Site__Longitude__s: '7', Name: 'Here' });
  expect(pushAgain(link, 20).fields).toEqual({ Site__Latitude__s: '46', Site__Longitude__s: '7' });
  expect(pushAgain(link, 20, 'Site__Latitude__s').fields).toEqual({});
});

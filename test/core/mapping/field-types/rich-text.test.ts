/** Two spellings of one rich text: what Salesforce makes of HTML, and what is another text. */
import { describe, expect, test } from 'vitest';
import { type Link, newLink } from '../../../../core/agreement/link.ts';
import { merge } from '../../../../core/agreement/merge.ts';
import { settle } from '../../../../core/agreement/outbound.ts';
import { defineSync, mappingOf, richText, text } from '../../../../core/mapping/configuration.ts';
import type { SalesforceVersion } from '../../../../core/mapping/salesforce-version.ts';

const mapping = mappingOf(
  defineSync({
    objects: { Loan__c: { table: 'loans', fields: { Notes__c: richText('notes'), Plain__c: text('plain') } } },
  }),
  'Loan__c',
);
const [notes, plain] = mapping.fields;
const isStored = (given = '', stored = '') => notes?.type.isStoredAs?.(given, stored);

test.for([
  ['<P CLASS=big Style="color: red; ">A</P>', '<p class="big" style="color:red">A</p>'],
  [
    '<a target="_blank" href="https://a.example/?a=1&b=2">A</a>',
    '<a href="https://a.example/?a=1&amp;b=2" target="_blank">A</a>',
  ],
  [`R&D "x" it's`, 'R&amp;D &quot;x&quot; it&#39;s'],
  ['a<br/>b<hr />', 'a<br>b<hr>'],
  ['<p onclick="x()" data-id="7">A</p>', '<p>A</p>'],
  ['<section><p>A</p></section>', '<p>A</p>'],
  ['A<script>alert(1)</script><!-- note -->B', 'AB'],
  ['a&nbsp;b&hellip;', 'a\u00A0b\u2026'],
  ['<p>A\n  B</p>', '<p>A B</p>'],
])('%j is stored as %j', ([given, stored]) => {
  expect(isStored(given, stored)).toBe(true);
  expect(isStored(stored, given)).toBe(true);
  expect(plain?.type.isStoredAs).toBeUndefined();
});

test.for([
  ['<p>A</p>', '<p>B</p>'],
  ['<p>A</p>', '<b>A</b>'],
  ['<p>A</p>', 'A'],
  ['<a href="x">A</a>', '<a href="y">A</a>'],
  ['<p style="color:red">A</p>', '<p style="color:blue">A</p>'],
  ['1 &lt; 2', '1 2'],
  ['&lt;b&gt;A&lt;/b&gt;', '<b>A</b>'],
  ['AB', 'A B'],
  ['A<br>B', 'AB'],
  ['&amp;lt;', '&lt;'],
])('%j is another text than %j', ([given, stored]) => {
  expect(isStored(given, stored)).toBe(false);
  expect(isStored(stored, given)).toBe(false);
});

describe('an edit of the row, as Salesforce spells it', () => {
  const ID = 'a01000000000001AAA';
  const [OURS, STORED] = ['<P>R&D</P>', '<p>R&amp;D</p>'];
  const version = (Notes__c: string, second: number): SalesforceVersion => ({
    ...{ id: ID, deleted: false, mergedInto: undefined, stamp: second * 1000 },
    fields: { Notes__c, Plain__c: null },
  });
  const row = { fields: { Notes__c: OURS, Plain__c: null } };
  const pushed: Link = {
    ...newLink(ID, '1'),
    base: { deleted: false, fields: { Notes__c: 'old', Plain__c: null } },
    highWater: 1000,
    push: {
      ...{ id: 'p', sentAt: 1500, delivery: 'api', sentDeleted: undefined, seen: {} },
      sent: { Notes__c: { value: OURS, filler: false } },
    },
  };
  const settled = (readBack: SalesforceVersion, outcome: 'accepted' | 'unknown' = 'accepted') =>
    settle(mapping, { link: pushed, row }, readBack, outcome, { revision: 0, readAt: 3000 } as never);

  test.for(['accepted', 'unknown'] as const)('is no edit when it comes back, where the push was %s', (outcome) => {
    const found = settled(version(STORED, 2), outcome);
    expect(found).toMatchObject({ outcome: 'settled', conflicts: [], row, link: { dirty: false, push: undefined } });
    if (found.outcome !== 'settled') return;
    const later = merge(mapping, { link: found.link, row }, version(STORED, 4), false);
    expect(later).toMatchObject({ conflicts: [], row, link: { dirty: false } });
    // A person's edit, and one of the application, are edits.
    const edited = merge(mapping, { link: found.link, row }, version('<p>R&amp;D!</p>', 5), false);
    expect(edited).toMatchObject({ conflicts: [], row: { fields: { Notes__c: '<p>R&amp;D!</p>' } } });
    const again = { fields: { ...row.fields, Notes__c: '<P>R&D?</P>' } };
    expect(merge(mapping, { link: found.link, row: again }, version(STORED, 5), false)).toMatchObject({
      ...{ conflicts: [], row: again, link: { dirty: true } },
    });
  });

  test('is overwritten by what a person has written since', () => {
    expect(settled(version('<p>mine</p>', 2))).toMatchObject({ row: { fields: { Notes__c: '<p>mine</p>' } } });
  });
});

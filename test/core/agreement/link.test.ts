import { describe, expect, test } from 'vitest';
import { becomesDue } from '../../../core/agreement/due.ts';
import { isClaim, isIdle, isUntouchedClaim, newLink } from '../../../core/agreement/link.ts';
import { base, ID, link, push } from './thing.ts';

describe('a claim', () => {
  const claim = newLink(ID, undefined);

  test('knows no version of its record, and no row', () => {
    expect(isClaim(claim)).toBe(true);
    expect(isClaim({ ...claim, base: base() })).toBe(false);
    expect(isClaim({ ...claim, rowKey: 'k' })).toBe(false);
  });

  test('is untouched while nothing is due for it', () => {
    expect(isUntouchedClaim({ ...claim, revision: 3 })).toBe(true);
    const touched = [{ dirty: true }, { rereadDue: true }, { push: push() }, { base: base() }, { rowKey: 'k' }];
    for (const more of touched) expect(isUntouchedClaim({ ...claim, ...more })).toBe(false);
  });
});

describe('a record becomes due', () => {
  const before = link();
  const revision = before.revision + 1;

  test('because its row was changed', () => {
    expect(becomesDue(before, 'row changed')).toEqual({ ...before, dirty: true, revision });
  });

  test('because its record has to be read', () => {
    expect(becomesDue(before, 'read again')).toEqual({ ...before, rereadDue: true, revision });
  });

  test('because of what a step has just written: the revision is the one that it hands on', () => {
    expect(becomesDue(before, 'written by us')).toEqual({ ...before, dirty: true });
  });
});

test('a link is idle while nothing is due for it and no push is open', () => {
  expect(isIdle(link())).toBe(true);
  for (const more of [{ dirty: true }, { rereadDue: true }, { push: push() }]) expect(isIdle(link(more))).toBe(false);
});

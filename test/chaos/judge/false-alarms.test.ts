/** Histories of long runs, made small: what the judge took for a violation and is none, each beside its wrong neighbour. */
import { expect, test } from 'vitest';
import { judge } from './judge.ts';
import { ACCOUNT, CONTACT, idOf, Story } from './story.ts';

function rulesBroken(story: Story): string[] {
  return [...new Set(judge(story.history()).violations.map(({ rule }) => rule))];
}

const begun = () => new Story().pair('a', { LastName: 'Base', Email: 'base@x' });

test('an older file shows a value that was written again later: which of the two the row held nobody can tell', () => {
  const twice = (third: string) => {
    const story = begun()
      .edits('salesforce', 'a', { LastName: 'Finance' })
      .edits('salesforce', 'a', { LastName: 'Banking' });
    story.edits('salesforce', 'a', { LastName: third });
    return story
      .applies('a', { LastName: third })
      .applies('a', { LastName: 'Banking' })
      .applies('a', { LastName: third });
  };
  expect(rulesBroken(twice('Finance'))).toEqual([]);
  expect(rulesBroken(twice('Farming'))).toContain('no older value');
});

test('a file has shown an edit before an unchanged value landed on it; the row had an edit by then, too: the two are a conflict', () => {
  const shown = (listed: string) => {
    const story = begun()
      .edits('postgres', 'a', { Email: 'p@x', LastName: listed })
      .edits('salesforce', 'a', { LastName: 'S1' });
    story.logs('a', 'LastName', 'S1', listed, 'postgres');
    story.conflicts[0] = { ...story.conflicts[0]!, reason: 'edited during our push' };
    story.lands('a', { Email: 'p@x', LastName: 'Base' }, 1.5);
    return listed === 'Base' ? story : story.lands('a', { LastName: listed });
  };
  expect(rulesBroken(shown('P1'))).toEqual([]);
  expect(rulesBroken(shown('Base'))).toEqual(['seen comes back']);
});

test('a row is deleted before the files come that show its record deleted and undeleted: the undelete brings it back', () => {
  const late = () => begun().deletes('salesforce', 'a', 'consequence').undeletes('salesforce', 'a', 'consequence');
  const back = (story: Story) => story.undeletes('postgres', 'a', 'sfsync', { id: idOf('a') });
  const unseen = late().deletes('postgres', 'a');
  expect(rulesBroken(back(unseen))).toEqual([]);
  // Whoever deletes the row that has come back knows of the undelete.
  const told = begun().deletes('salesforce', 'a').deletes('postgres', 'a', 'sfsync').undeletes('salesforce', 'a');
  expect(rulesBroken(back(back(told).deletes('postgres', 'a')))).toContain('deletes are honoured');
});

test('a lookup waits for a parent that is away, not for one that is there', () => {
  const child = (isThere: boolean) => {
    const story = new Story().pair('p', { Name: 'A' }, 'Account').pair('a', { LastName: 'Base' });
    story.deletes('postgres', 'p', 'sfsync', 'Account');
    story
      .edits('salesforce', 'a', { AccountId: idOf('p'), LastName: 'S1' })
      .applies('a', { LastName: 'S1', AccountId: 'p' });
    story.applies('a', { AccountId: null });
    if (isThere) story.undeletes('postgres', 'p', 'sfsync', { id: idOf('p'), Name: 'A' }, 'Account');
    const history = story.history();
    const links = history.end.links.map((link) => ({
      ...link,
      waiting: link.object === CONTACT.object ? ['AccountId'] : [],
    }));
    return judge({ ...history, end: { ...history.end, links } });
  };
  const of = (isThere: boolean) =>
    child(isThere).violations.filter(({ rule, field }) => rule === 'sides agree' && field === 'AccountId');
  expect(of(false)).toEqual([]);
  expect(of(true)).toHaveLength(1);
});

test('a conflict is listed once, unless both sides have made the same edits again', () => {
  const listed = () => {
    const story = begun().edits('postgres', 'a', { LastName: 'P1' }).edits('salesforce', 'a', { LastName: 'S1' });
    return story.logs('a', 'LastName', 'S1', 'P1').applies('a', { LastName: 'S1' });
  };
  expect(rulesBroken(listed())).toEqual([]);
  expect(rulesBroken(listed().logs('a', 'LastName', 'S1', 'P1'))).toEqual(['conflicts are real']);
  const again = listed().edits('salesforce', 'a', { LastName: 'S2' }).applies('a', { LastName: 'S2' });
  again.edits('postgres', 'a', { LastName: 'P1' }).edits('salesforce', 'a', { LastName: 'S1' });
  expect(rulesBroken(again.logs('a', 'LastName', 'S1', 'P1').applies('a', { LastName: 'S1' }))).toEqual([]);
});

test('a new row goes over to the record that took the place of its parent, which is merged away later', () => {
  const merged = (into: string) => {
    const story = new Story().pair('p', {}, 'Account').pair('q', {}, 'Account').pair('r', {}, 'Account');
    story.edits('postgres', 'a', { LastName: 'P1', AccountId: 'p' });
    story.deletes('salesforce', 'p', 'client', 'Account', 'q').write('postgres', 'a', { AccountId: into }, 'sfsync');
    story.deletes('postgres', 'p', 'sfsync', 'Account');
    story.write('salesforce', 'a', { LastName: 'P1', AccountId: idOf(into) }, 'sfsync');
    story.applies('a', { id: idOf('a') });
    story
      .deletes('salesforce', 'q', 'client', 'Account', 'r')
      .write('salesforce', 'a', { AccountId: idOf('r') }, 'consequence');
    return story.applies('a', { AccountId: 'r' }).deletes('postgres', 'q', 'sfsync', 'Account');
  };
  expect(rulesBroken(merged('q'))).toEqual([]);
  expect(rulesBroken(merged('s'))).toContain('values have makers');
});

test('late files bring a row to life, then the delete that its record is back from by now', () => {
  const late = () => new Story().edits('salesforce', 'a', { LastName: 'S1' });
  const story = late()
    .deletes('salesforce', 'a')
    .undeletes('salesforce', 'a')
    .applies('a', { id: idOf('a'), LastName: 'S1' });
  story.deletes('postgres', 'a', 'sfsync').undeletes('postgres', 'a', 'sfsync', { id: idOf('a') });
  expect(rulesBroken(story)).toEqual([]);
  // The same delete a second time.
  story.deletes('postgres', 'a', 'sfsync').undeletes('postgres', 'a', 'sfsync', { id: idOf('a') });
  expect(rulesBroken(story)).toEqual(['deletes have makers']);
});

test('a new row waits for its parent with nothing in its column, and is told of it before the file that clears the lookup comes', () => {
  const child = (isAway: boolean) => {
    const story = new Story();
    story.edits('salesforce', 'p', { Name: 'A' }, 'Account');
    if (!isAway) story.applies('p', { id: idOf('p'), Name: 'A' }, 'Account').waits(10);
    story.edits('salesforce', 'a', { LastName: 'S1', AccountId: idOf('p') });
    story.write('salesforce', 'a', { AccountId: null }, 'consequence').applies('a', { id: idOf('a'), LastName: 'S1' });
    if (isAway) story.applies('p', { id: idOf('p'), Name: 'A' }, 'Account');
    return story.applies('a', { AccountId: 'p' }).applies('a', { AccountId: null });
  };
  expect(rulesBroken(child(true))).toEqual([]);
  expect(rulesBroken(child(false))).toContain('no older value');
});

test('a push is listed as perhaps undone: a fault has made its outcome unknown', () => {
  const listed = (isFault: boolean, delivery: 'api' | 'appflow' = 'api') => {
    const story = new Story([ACCOUNT, { ...CONTACT, delivery }]).pair('a', { LastName: 'Base' });
    story.edits('postgres', 'a', { LastName: 'P1' });
    if (isFault) story.fault('salesforce connection reset');
    story.lands('a', { LastName: 'P1' }).edits('salesforce', 'a', { LastName: 'Base' });
    story.logs('a', 'LastName', 'Base', 'P1', 'postgres');
    story.conflicts[0] = { ...story.conflicts[0]!, reason: 'push may have been undone' };
    return rulesBroken(story.lands('a', { LastName: 'P1' }));
  };
  expect(listed(false)).toContain('conflicts are real');
  expect(listed(true)).not.toContain('conflicts are real');
  expect(listed(false, 'appflow')).not.toContain('conflicts are real');
});

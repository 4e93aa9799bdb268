/** Each rule, by a smallest history that breaks it and by its right neighbour. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Values } from '../history/history.ts';
import { judge } from './judge.ts';
import { ACCOUNT, CONTACT, idOf, Story } from './story.ts';

function rulesBroken(story: Story, end: Parameters<Story['history']>[0] = {}): string[] {
  const rules = [...new Set(judge(story.history(end)).violations.map(({ rule }) => rule))];
  for (const rule of rules) broken.add(rule);
  return rules;
}

const broken = new Set<string>();

/** What is told by another test: without values. */
const ELSEWHERE = ['no leaks'];

afterAll(() => {
  const folder = join(import.meta.dirname, 'rules');
  const names = readdirSync(folder).flatMap((file) => {
    return /^export const RULE = '(.*)';$/m.exec(readFileSync(join(folder, file), 'utf8'))?.[1] ?? [];
  });
  expect([...broken, ...ELSEWHERE].sort(), 'each rule is broken here').toEqual(names.sort());
});

function excusesOf(story: Story, end: Parameters<Story['history']>[0] = {}) {
  return judge(story.history(end)).excuses;
}

const begun = () => new Story().pair('a', { LastName: 'Base', Email: 'base@x' });

describe('sides agree', () => {
  test('both are equal', () => {
    const story = begun().edits('salesforce', 'a', { LastName: 'S1' }).applies('a', { LastName: 'S1' });
    expect(rulesBroken(story)).toEqual([]);
  });
  test('they differ, and nothing lists it', () => {
    expect(rulesBroken(begun().edits('salesforce', 'a', { LastName: 'S1' }))).toEqual(['sides agree']);
  });
  test('they differ, and a reject lists it', () => {
    const story = begun().edits('postgres', 'a', { LastName: 'P1' });
    expect(rulesBroken(story.rejected('a', 'LastName'))).toEqual([]);
    expect(rulesBroken(begun().edits('postgres', 'a', { LastName: 'P1' }).rejected('a', 'Email'))).toEqual([
      'sides agree',
    ]);
    expect(rulesBroken(begun().edits('postgres', 'a', { LastName: 'P1' }).rejected('a', null, false))).toEqual([
      'sides agree',
    ]);
  });
  test('they differ, and another field of their push was blamed', () => {
    const story = begun().edits('postgres', 'a', { LastName: 'P1' }).rejected('a', 'Email');
    const [link] = story.history().end.links;
    expect(rulesBroken(story, { links: [{ ...link!, refused: ['LastName'] }] })).toEqual([]);
  });
  test('a column with codes, and one with local times', () => {
    const coded = { ...CONTACT.fields[0]!, field: 'Stage', column: 'stage', codes: { Open: 0, Won: 3 } };
    const local = { ...coded, field: 'At', column: 'at', type: 'datetime', codes: undefined };
    const fields = [coded, { ...local, zone: { name: 'Asia/Kolkata', minutes: 330 } }];
    const held = (stage: number, at: string) =>
      new Story([ACCOUNT, { ...CONTACT, fields }])
        .edits('salesforce', 'a', { Stage: 'Won', At: '2026-03-29T01:30:00.000+0000' })
        .applies('a', { id: idOf('a'), Stage: stage, At: at });
    expect(rulesBroken(held(3, '2026-03-29T07:00:00'))).toEqual([]);
    expect(rulesBroken(held(0, '2026-03-29T07:00:00'))).toContain('sides agree');
    expect(rulesBroken(held(3, '2026-03-29T01:30:00'))).toContain('sides agree');
  });
  test.each([
    ['LastName', ' Ada\r\nKing ', 'Ada\nKing'],
    ['LastName', '', null],
    ['DoNotCall', null, false],
    ['Income', 1000.005, '1000.01'],
    ['Income', 1e3, '1000.00'],
  ])('%s is equal in its normal form', (field, s, p) => {
    const story = new Story()
      .pair('a')
      .edits('salesforce', 'a', { [field]: s })
      .applies('a', { [field]: p });
    expect(rulesBroken(story)).toEqual([]);
  });
  test('an application writes where Salesforce owns the field: that stays; what Salesforce wrote comes', () => {
    expect(rulesBroken(begun().edits('postgres', 'a', { Rating: 'mine' }))).toEqual([]);
    expect(rulesBroken(begun().edits('salesforce', 'a', { Rating: 'theirs' }))).toEqual(['sides agree']);
  });
  test('a column that nothing was written to empties no field', () => {
    expect(rulesBroken(begun().edits('salesforce', 'a', { Score: 5 }))).toEqual([]);
    const story = begun().edits('postgres', 'a', { Score: 7 }).lands('a', { Score: 7 });
    expect(rulesBroken(story.edits('salesforce', 'a', { Score: 5 }))).toEqual(['sides agree']);
  });
  test('a delete that is held', () => {
    const story = begun().deletes('postgres', 'a');
    const [link] = story.history().end.links;
    expect(rulesBroken(story, { links: [{ ...link!, held: true }] })).toEqual([]);
    expect(rulesBroken(story)).toEqual(['sides agree']);
  });
});

describe('no older value', () => {
  test('an old file comes late', () => {
    const story = begun().edits('salesforce', 'a', { LastName: 'S1' }).edits('salesforce', 'a', { LastName: 'S2' });
    story.applies('a', { LastName: 'S2' });
    expect(rulesBroken(story)).toEqual([]);
    expect(rulesBroken(story.applies('a', { LastName: 'S1' }).applies('a', { LastName: 'S2' }))).toContain(
      'no older value',
    );
  });
  test('an edit of the row is replaced by what its maker had seen', () => {
    const story = begun().edits('salesforce', 'a', { LastName: 'S1' }).applies('a', { LastName: 'S1' });
    story.edits('postgres', 'a', { LastName: 'P1' }).applies('a', { LastName: 'S1' });
    expect(rulesBroken(story)).toEqual(['no older value']);
  });
  test('a push that outlived its execution', () => {
    const story = begun().edits('postgres', 'a', { LastName: 'P1' }).edits('postgres', 'a', { LastName: 'P2' });
    story.lands('a', { LastName: 'P2' }).lands('a', { LastName: 'P1' }).lands('a', { LastName: 'P2' });
    expect(rulesBroken(story)).toEqual(['no older value']);
  });
  test('the edit was made in the window', () => {
    const story = (seconds: number) =>
      begun()
        .edits('postgres', 'a', { Email: 'p@x' })
        .edits('salesforce', 'a', { LastName: 'S1' })
        .lands('a', { Email: 'p@x', LastName: 'Base' }, seconds);
    expect(rulesBroken(story(1.5))).toEqual([]);
    expect(excusesOf(story(1.5))).toEqual({ window: 1 });
    // The look was after the edit: it had to be seen.
    expect(rulesBroken(story(0.5))).toEqual(['no older value']);
  });
  test('the edit was answered before the look, and committed in the window', () => {
    const story = begun().edits('postgres', 'a', { Email: 'p@x' }).edits('salesforce', 'a', { LastName: 'S1' });
    story.operations[story.operations.length - 1] = { ...story.operations.at(-1)!, ended: story.now - 1800 };
    expect(rulesBroken(story.lands('a', { Email: 'p@x', LastName: 'Base' }, 1.5))).toEqual([]);
    expect(excusesOf(story)).toEqual({ window: 1 });
  });
  test('the window opens for what the push carried only, and while it was open', () => {
    const story = begun().edits('postgres', 'a', { Email: 'p@x' }).edits('salesforce', 'a', { LastName: 'S1' });
    story.lands('a', { Email: 'p@x', LastName: 'Base' }, 1.5);
    const [push] = story.pushes;
    story.pushes[0] = { ...push!, closedAt: story.now - 300 };
    expect(rulesBroken(story)).toContain('no older value');
    expect(rulesBroken(story)).toContain('pushes are open');
  });
  test('a value that a client puts back is his', () => {
    const story = begun().edits('salesforce', 'a', { LastName: 'S1' }).applies('a', { LastName: 'S1' });
    story.edits('salesforce', 'a', { LastName: 'Base' }).applies('a', { LastName: 'Base' });
    expect(rulesBroken(story)).toEqual([]);
  });
  test.each([true, false])(
    'a lookup that a delete has emptied names its parent again: the parent is back: %s',
    (isBack) => {
      const story = new Story().pair('p', { Name: 'Parent' }, 'Account').pair('a', { LastName: 'Child' });
      story.edits('salesforce', 'a', { AccountId: idOf('p') }).applies('a', { AccountId: 'p' });
      story
        .deletes('salesforce', 'p', 'client', 'Account')
        .write('salesforce', 'a', { AccountId: null }, 'consequence');
      story.applies('a', { AccountId: null }).deletes('postgres', 'p', 'sfsync', 'Account');
      if (isBack) story.undeletes('salesforce', 'p', 'client', {}, 'Account');
      story
        .undeletes('postgres', 'p', 'sfsync', { Name: 'Parent', id: idOf('p') }, 'Account')
        .applies('a', { AccountId: 'p' });
      expect(rulesBroken(story).includes('no older value')).toBe(!isBack);
    },
  );
  test('an outcome that a fault made unknown, and that is logged', () => {
    const story = begun().edits('postgres', 'a', { Email: 'p@x' });
    story.fault('answer lost').lands('a', { Email: 'p@x' }).edits('salesforce', 'a', { Email: 's@x' });
    story.lands('a', { Email: 'p@x' });
    expect(rulesBroken(story)).toEqual(['no older value']);
    expect(rulesBroken(story.logs('a', 'Email', 's@x', 'p@x', 'postgres'))).toEqual([]);
    expect(excusesOf(story)).toEqual({ 'unknown outcome': 2 });
    story.faults.pop();
    expect(rulesBroken(story)).toEqual(['no older value', 'conflicts are real']);
  });
});

describe('losers are logged', () => {
  const both = () => begun().edits('postgres', 'a', { LastName: 'P1' }).edits('salesforce', 'a', { LastName: 'S1' });
  test('the row loses', () => {
    const story = both().applies('a', { LastName: 'S1' });
    expect(rulesBroken(story)).toEqual(['losers are logged']);
    expect(rulesBroken(story.logs('a', 'LastName', 'S1', 'P1'))).toEqual([]);
  });
  test('the record loses', () => {
    const story = begun().edits('postgres', 'a', { Email: 'p@x' }).edits('salesforce', 'a', { Email: 's@x' });
    story.lands('a', { Email: 'p@x' });
    expect(rulesBroken(story)).toEqual(['losers are logged']);
    expect(rulesBroken(story.logs('a', 'Email', 's@x', 'p@x', 'postgres'))).toEqual([]);
  });
  test('the record loses in the window', () => {
    const story = both().lands('a', { LastName: 'P1' }, 1.5);
    expect(rulesBroken(story)).toEqual([]);
    expect(excusesOf(story)).toEqual({ window: 1 });
  });
  test('a log of another value is none', () => {
    const story = both().applies('a', { LastName: 'S1' }).logs('a', 'LastName', 'S1', 'Base');
    expect(rulesBroken(story)).toContain('losers are logged');
  });
  test('there and back', () => {
    const story = begun().edits('salesforce', 'a', { LastName: 'S1' }).edits('postgres', 'a', { LastName: 'P1' });
    story.edits('postgres', 'a', { LastName: 'Base' }).applies('a', { LastName: 'S1' });
    expect(rulesBroken(story)).toEqual([]);
    expect(excusesOf(story)).toEqual({ 'there and back': 1 });
  });
  test('the same edit on both sides, and another on top of one', () => {
    const same = (value: string) => {
      const story = begun().edits('salesforce', 'a', { LastName: 'Same' }).edits('salesforce', 'a', { LastName: 'S2' });
      return story.edits('postgres', 'a', { LastName: value }).applies('a', { LastName: 'S2' });
    };
    expect(rulesBroken(same('Same'))).toEqual([]);
    expect(excusesOf(same('Same'))).toEqual({ 'same edit': 1 });
    expect(rulesBroken(same('Other'))).toEqual(['losers are logged']);
  });
  test('what a client deleted himself is no loser', () => {
    const story = begun().edits('postgres', 'a', { LastName: 'P1' }).deletes('postgres', 'a');
    story.edits('salesforce', 'a', { LastName: 'S1' }).undeletes('postgres', 'a', 'sfsync', { LastName: 'S1' });
    expect(rulesBroken(story)).toEqual([]);
  });
  test('a field that is the other side’s', () => {
    const story = begun().edits('postgres', 'a', { Rating: 'P1' }).edits('salesforce', 'a', { Rating: 'S1' });
    expect(rulesBroken(story.applies('a', { Rating: 'S1' }))).toEqual([]);
  });
  test('a checkbox accuses nobody of what may have been a copy', () => {
    const story = new Story().pair('a', { DoNotCall: false });
    story.edits('salesforce', 'a', { DoNotCall: true }).edits('postgres', 'a', { DoNotCall: true });
    story.edits('salesforce', 'a', { DoNotCall: false }).applies('a', { DoNotCall: false });
    expect(rulesBroken(story)).toEqual([]);
  });
});

describe('values have makers', () => {
  test('a value that nobody wrote', () => {
    const story = begun().applies('a', { LastName: 'X' }).edits('salesforce', 'a', { LastName: 'X' });
    expect(rulesBroken(story)).toEqual(['values have makers']);
  });
  test('a value of another record', () => {
    const story = begun().pair('b', { LastName: 'Other' }).applies('a', { LastName: 'Other' });
    expect(rulesBroken(story)).toContain('values have makers');
  });
  test('a trigger that rewrites', () => {
    const story = begun().edits('postgres', 'a', { LastName: 'p1' }).fault('trigger', 'Contact.LastName', 60);
    story.lands('a', { LastName: 'P1' }).applies('a', { LastName: 'P1' });
    expect(rulesBroken(story)).toEqual([]);
    expect(excusesOf(story)).toEqual({ 'rewritten by a trigger': 1 });
    story.faults[0] = { ...story.faults[0]!, detail: 'Contact.Email' };
    expect(rulesBroken(story)).toContain('values have makers');
  });
  test('Salesforce sets a field along with another', () => {
    const story = begun().edits('postgres', 'a', { LastName: 'P1' }).lands('a', { LastName: 'P1' });
    const [push] = story.pushes;
    const last = story.versions.pop()!;
    story.versions.push({ ...last, values: { ...last.values, Rating: 'set' } });
    story.applies('a', { Rating: 'set' });
    const records = story.history().end.records.map((each) => ({ ...each, values: { ...each.values, Rating: 'set' } }));
    expect(rulesBroken(story, { records })).toEqual([]);
    expect(excusesOf(story, { records })).toEqual({ consequence: 1 });
    story.pushes[0] = { ...push!, sent: { ...push!.sent, Rating: 'set' } };
    expect(rulesBroken(story, { records })).toEqual(['values have makers']);
  });
  test('a child waits for its parent', () => {
    const story = new Story();
    story.edits('salesforce', 'p', { Name: 'Parent' }, 'Account');
    story.edits('salesforce', 'a', { LastName: 'Child', AccountId: idOf('p') });
    story.applies('a', { LastName: 'Child', AccountId: null, id: idOf('a') }).waits(10);
    story.applies('p', { Name: 'Parent', id: idOf('p') }, 'Account').applies('a', { AccountId: 'p' });
    expect(rulesBroken(story)).toEqual([]);
    expect(excusesOf(story)).toEqual({ waiting: 1 });
  });
  test('children of a record that was merged away go to the one that took its place', () => {
    const story = new Story().pair('p', { Name: 'Parent' }, 'Account').pair('q', { Name: 'Survivor' }, 'Account');
    story.pair('a', { LastName: 'Child', AccountId: idOf('p') });
    story.versions[5] = { ...story.versions[5]!, values: { ...story.versions[5]!.values, lender_id: 'p' } };
    story
      .deletes('salesforce', 'p', 'client', 'Account', 'q')
      .write('salesforce', 'a', { AccountId: idOf('q') }, 'consequence');
    story.deletes('postgres', 'p', 'sfsync', 'Account').applies('a', { AccountId: 'q' });
    expect(rulesBroken(story)).toEqual([]);
  });
  test('what a client deleted himself does not come back with a row that waits', () => {
    const story = new Story().pair('p', { Name: 'Parent' }, 'Account').pair('a', { LastName: 'Child' });
    story.edits('salesforce', 'a', { AccountId: idOf('p') }).applies('a', { AccountId: 'p' });
    story
      .edits('postgres', 'a', { AccountId: null })
      .deletes('postgres', 'a')
      .deletes('postgres', 'p', 'client', 'Account');
    story.edits('salesforce', 'a', { LastName: 'S1' });
    const row = { LastName: 'S1', AccountId: null, id: idOf('a') };
    story.undeletes('postgres', 'a', 'sfsync', row);
    story.deletes('salesforce', 'p', 'sfsync', 'Account').deletes('salesforce', 'a', 'consequence');
    expect(rulesBroken(story.deletes('postgres', 'a', 'sfsync'))).toEqual([]);
  });
  test('a row that is deleted while its lookup waits buries nothing', () => {
    const story = new Story().edits('salesforce', 'p', { Name: 'Parent' }, 'Account');
    story.edits('salesforce', 'a', { LastName: 'Child', AccountId: idOf('p') });
    story.applies('a', { LastName: 'Child', AccountId: null, id: idOf('a') }).deletes('postgres', 'a');
    story.deletes('salesforce', 'a', 'sfsync').applies('p', { Name: 'Parent', id: idOf('p') }, 'Account');
    expect(rulesBroken(story)).toEqual([]);
  });
  test('a lookup is emptied though its parent is there', () => {
    const story = new Story().pair('p', { Name: 'Parent' }, 'Account');
    story.edits('salesforce', 'a', { LastName: 'Child', AccountId: idOf('p') }).waits(10);
    story.applies('a', { LastName: 'Child', AccountId: null, id: idOf('a') }).applies('a', { AccountId: 'p' });
    expect(rulesBroken(story)).toEqual(['values have makers']);
  });
});

describe('new rows', () => {
  test('Salesforce fills what is empty', () => {
    const story = new Story().edits('postgres', 'n', { LastName: 'New' });
    story.write('salesforce', 'n', { LastName: 'New', Email: 'default@x' }, 'sfsync');
    story.applies('n', { Email: 'default@x', id: idOf('n') });
    expect(rulesBroken(story)).toEqual([]);
    expect(excusesOf(story)).toEqual({ 'filled by Salesforce': 1 });
  });
  test('but not what is not', () => {
    const story = new Story().edits('postgres', 'n', { LastName: 'New', Email: 'mine@x' }).waits(100);
    story.write('salesforce', 'n', { LastName: 'New', Email: 'default@x' }, 'sfsync');
    story.applies('n', { Email: 'default@x', id: idOf('n') });
    expect(rulesBroken(story)).toContain('values have makers');
  });
  test('one that gets no record', () => {
    const story = new Story().edits('postgres', 'n', { LastName: 'New' });
    expect(rulesBroken(story)).toEqual(['one to one']);
    const rowKey = 'n';
    const reject = { object: 'Contact', direction: 'to-salesforce', salesforceId: null, rowKey, field: null } as const;
    story.rejects.push({ ...reject, code: 'REQUIRED_FIELD_MISSING', open: true, at: 0 });
    expect(rulesBroken(story)).toEqual([]);
    const notTaken = new Story([ACCOUNT, { ...CONTACT, insert: false }]);
    expect(rulesBroken(notTaken.edits('postgres', 'n', { LastName: 'New' }))).toEqual([]);
  });
  test('one that is sent twice', () => {
    const story = new Story().edits('postgres', 'n', { LastName: 'New' });
    story
      .write('salesforce', 'n', { LastName: 'New' }, 'sfsync')
      .write('salesforce', 'm', { LastName: 'New' }, 'sfsync');
    story.applies('n', { id: idOf('n') });
    expect(rulesBroken(story)).toContain('one to one');
    story.applies('m', { LastName: 'New', id: idOf('m') });
    expect(rulesBroken(story)).toContain('one to one');
  });
  test('record and row were each there before they were linked', () => {
    const story = new Story().edits('salesforce', 'a', { LastName: 'S1' }).edits('postgres', 'a', { LastName: 'P1' });
    expect(rulesBroken(story.applies('a', { LastName: 'S1', id: idOf('a') }))).toEqual([]);
    expect(excusesOf(story)).toEqual({ 'first merge': 1 });
    story.edits('postgres', 'a', { LastName: 'P2' }).edits('salesforce', 'a', { LastName: 'S2' });
    expect(rulesBroken(story.applies('a', { LastName: 'S2' }))).toEqual(['losers are logged']);
  });
});

describe('one to one', () => {
  test('two rows carry one id', () => {
    const story = begun();
    const end = story.history().end;
    const [row] = end.rows;
    expect(rulesBroken(story, { rows: [row!, { ...row!, key: 'other' }] })).toEqual(['one to one']);
  });
});

describe('deletes are honoured', () => {
  test('a delete goes across', () => {
    const story = begun().deletes('postgres', 'a').deletes('salesforce', 'a', 'sfsync');
    expect(rulesBroken(story)).toEqual([]);
    expect(rulesBroken(begun().deletes('salesforce', 'a').deletes('postgres', 'a', 'sfsync'))).toEqual([]);
  });
  test('a delete is swallowed, and an earlier one is in the conflict log', () => {
    const story = begun().edits('postgres', 'a', { LastName: 'P1' }).deletes('salesforce', 'a');
    const [buried, kept] = [{ LastName: 'Base' }, { LastName: 'P1' }];
    story.logsRecord('a', { deleted: true, fields: buried }, { deleted: false, fields: kept }, 'postgres');
    story.undeletes('salesforce', 'a', 'sfsync', { LastName: 'P1' });
    expect(rulesBroken(story)).toEqual([]);
    story
      .waits(60)
      .deletes('postgres', 'a')
      .undeletes('postgres', 'a', 'sfsync', { id: idOf('a'), LastName: 'P1' });
    expect(rulesBroken(story)).toContain('deletes are honoured');
  });
  test('a delete is swallowed, the row comes back', () => {
    const story = begun().deletes('postgres', 'a').undeletes('postgres', 'a', 'sfsync');
    expect(rulesBroken(story)).toEqual(['deletes are honoured']);
  });
  test('an edit that the delete did not know survives', () => {
    const story = begun().edits('salesforce', 'a', { LastName: 'S1' }).deletes('postgres', 'a');
    const buried = begun().edits('salesforce', 'a', { LastName: 'S1' }).deletes('postgres', 'a');
    expect(rulesBroken(buried.deletes('salesforce', 'a', 'sfsync'))).toEqual(['deletes are honoured']);
    story.undeletes('postgres', 'a', 'sfsync').applies('a', { LastName: 'S1' });
    expect(rulesBroken(story)).toEqual([]);
  });
  test('an edit of the row that the delete in Salesforce did not know', () => {
    const story = begun().edits('postgres', 'a', { LastName: 'P1' }).deletes('salesforce', 'a');
    expect(rulesBroken(story.deletes('postgres', 'a', 'sfsync'))).toEqual(['deletes are honoured']);
  });
  test('an edit that was known goes along', () => {
    const story = begun().edits('postgres', 'a', { LastName: 'P1' }).lands('a', { LastName: 'P1' });
    story.deletes('salesforce', 'a').deletes('postgres', 'a', 'sfsync');
    expect(rulesBroken(story)).toEqual([]);
  });
  test('a field that only Salesforce may edit keeps no row', () => {
    const story = begun()
      .edits('postgres', 'a', { Rating: 'P1' })
      .deletes('salesforce', 'a')
      .deletes('postgres', 'a', 'sfsync');
    expect(rulesBroken(story)).toEqual([]);
  });
  test('an undelete brings the row back', () => {
    const story = begun().deletes('salesforce', 'a').deletes('postgres', 'a', 'sfsync').undeletes('salesforce', 'a');
    const lost = begun().deletes('salesforce', 'a').deletes('postgres', 'a', 'sfsync').undeletes('salesforce', 'a');
    expect(rulesBroken(story.undeletes('postgres', 'a', 'sfsync'))).toEqual([]);
    expect(rulesBroken(lost.deletes('salesforce', 'a', 'sfsync'))).toContain('deletes are honoured');
  });
});

describe('deletes have makers', () => {
  test('what nobody deleted', () => {
    const story = begun().deletes('postgres', 'a', 'sfsync').deletes('salesforce', 'a', 'sfsync');
    expect(rulesBroken(story)).toEqual(['deletes have makers']);
  });
  test('an old file deletes again what was brought back', () => {
    const story = begun().deletes('salesforce', 'a').deletes('postgres', 'a', 'sfsync').undeletes('salesforce', 'a');
    story.undeletes('postgres', 'a', 'sfsync');
    expect(rulesBroken(story)).toEqual([]);
    story.deletes('postgres', 'a', 'sfsync').undeletes('postgres', 'a', 'sfsync');
    expect(rulesBroken(story)).toEqual(['deletes have makers']);
  });
  test('a row that has left the filter takes its record along', () => {
    const filter = { column: 'kind', values: ['lead'], leaving: 'delete' as const };
    const story = new Story([ACCOUNT, { ...CONTACT, filter }]).pair('a', { LastName: 'Base', kind: 'lead' });
    story.edits('postgres', 'a', { kind: 'other' }).deletes('salesforce', 'a', 'sfsync');
    expect(rulesBroken(story)).toEqual([]);
  });
});

describe('seen comes back', () => {
  const overwritten = () => {
    const story = begun().edits('postgres', 'a', { Email: 'p@x' }).edits('salesforce', 'a', { LastName: 'S1' });
    return story;
  };
  test('what no file had shown is lost in the window', () => {
    expect(rulesBroken(overwritten().lands('a', { Email: 'p@x', LastName: 'Base' }, 1.5))).toEqual([]);
  });
  test('what a file had shown is not', () => {
    const story = overwritten().logs('a', 'LastName', 'S1', 'Base', 'postgres');
    story.conflicts[0] = { ...story.conflicts[0]!, reason: 'edited during our push' };
    story.lands('a', { Email: 'p@x', LastName: 'Base' }, 1.5);
    expect(rulesBroken(story)).toEqual(['seen comes back']);
    story.applies('a', { LastName: 'S1' }).lands('a', { LastName: 'S1' });
    expect(rulesBroken(story)).toEqual([]);
  });
  /** A file has shown the edit; the push has landed over it since. */
  const shown = () => {
    const story = overwritten().logs('a', 'LastName', 'S1', 'Base', 'postgres');
    story.conflicts[0] = { ...story.conflicts[0]!, reason: 'edited during our push' };
    return story.lands('a', { Email: 'p@x', LastName: 'Base' }, 1.5);
  };
  test('unless users have deleted the record since', () => {
    const story = shown().deletes('salesforce', 'a').undeletes('salesforce', 'a', 'sfsync');
    expect(rulesBroken(story)).not.toContain('seen comes back');
  });
  test('and counts as the row’s then: against the next edit of the record its policy decides', () => {
    const restored = (next: 'logged' | 'lost') => {
      const fields = CONTACT.fields.map((field) => ({ ...field, policy: 'postgres' as const }));
      const story = new Story([ACCOUNT, { ...CONTACT, fields }]).pair('a', { LastName: 'Base', Email: 'base@x' });
      story.edits('postgres', 'a', { Email: 'p@x' }).edits('salesforce', 'a', { LastName: 'S1' });
      story.logs('a', 'LastName', 'S1', 'Base', 'salesforce');
      story.conflicts[0] = { ...story.conflicts[0]!, reason: 'edited during our push' };
      story.lands('a', { Email: 'p@x', LastName: 'Base' }, 1.5).applies('a', { LastName: 'S1' });
      story.edits('salesforce', 'a', { LastName: 'S2' });
      if (next === 'logged') story.logs('a', 'LastName', 'S2', 'S1', 'postgres');
      return story.lands('a', { LastName: 'S1' });
    };
    expect(rulesBroken(restored('logged'))).toEqual([]);
    expect(rulesBroken(restored('lost'))).toContain('no older value');
  });
});

describe('nothing is rounded back', () => {
  const rounded = () =>
    new Story().pair('a').edits('salesforce', 'a', { Income: 2.675 }).applies('a', { Income: 2.68 });
  test('what the column made of a number stays there', () => {
    expect(rulesBroken(rounded())).toEqual([]);
    expect(rulesBroken(rounded().lands('a', { Income: 2.68 }))).toEqual(['nothing is rounded back']);
  });
  test('what a client made of it goes', () => {
    const story = rounded().edits('postgres', 'a', { Income: 3 }).edits('postgres', 'a', { Income: 2.68 });
    expect(rulesBroken(story.lands('a', { Income: 2.68 }))).toEqual([]);
  });
});

describe('one-way fields', () => {
  test('sfsync writes where it may not', () => {
    const story = begun()
      .edits('salesforce', 'a', { Score: 5 })
      .edits('postgres', 'a', { Score: 7 })
      .applies('a', { Score: 5 });
    expect(rulesBroken(story)).toContain('one-way fields');
  });
  test('a conflict in a field that goes one way', () => {
    const story = begun().edits('postgres', 'a', { Score: 7 }).edits('salesforce', 'a', { Score: 5 });
    story.lands('a', { Score: 7 });
    expect(rulesBroken(story)).toEqual([]);
    expect(rulesBroken(story.logs('a', 'Score', 5, 7, 'postgres'))).toEqual(['one-way fields']);
  });
});

describe('conflicts are real', () => {
  const both = () => begun().edits('postgres', 'a', { LastName: 'P1' }).edits('salesforce', 'a', { LastName: 'S1' });
  test('decided against the policy', () => {
    const story = both().logs('a', 'LastName', 'S1', 'P1', 'postgres').lands('a', { LastName: 'P1' });
    expect(rulesBroken(story)).toEqual(['conflicts are real']);
  });
  test('the one wins that the log says has lost', () => {
    const edited = () => begun().edits('postgres', 'a', { Email: 'p@x' }).edits('salesforce', 'a', { Email: 's@x' });
    const listed = () => edited().logs('a', 'Email', 's@x', 'p@x', 'postgres');
    expect(rulesBroken(listed().lands('a', { Email: 'p@x' }))).toEqual([]);
    expect(rulesBroken(listed().applies('a', { Email: 's@x' }))).toEqual(['conflicts are real']);
  });
  test('a side that makes the value again that it had won over', () => {
    const story = begun().edits('postgres', 'a', { Email: 'p@x', LastName: 'P1' });
    story
      .edits('salesforce', 'a', { LastName: 'S1' })
      .logs('a', 'LastName', 'S1', 'P1')
      .applies('a', { LastName: 'S1' });
    // Over this one the push lands, and so it comes back by way of the row.
    story.edits('salesforce', 'a', { LastName: 'P1' }).lands('a', { Email: 'p@x', LastName: 'S1' }, 1.5);
    story.applies('a', { LastName: 'P1' }).lands('a', { LastName: 'P1' });
    expect(rulesBroken(story)).toEqual([]);
  });
  test('decided for the later one', () => {
    const fields = CONTACT.fields.map((field) => ({ ...field, policy: 'latest' as const }));
    const story = (winner: string) => {
      const made = new Story([ACCOUNT, { ...CONTACT, fields }]).pair('a', { LastName: 'Base' });
      made.edits('postgres', 'a', { LastName: 'P1' }).waits(10).edits('salesforce', 'a', { LastName: 'S1' });
      return winner === 'salesforce' ? made.logs('a', 'LastName', 'S1', 'P1').applies('a', { LastName: 'S1' }) : made;
    };
    expect(rulesBroken(story('salesforce'))).toEqual([]);
    const wrong = story('postgres').logs('a', 'LastName', 'S1', 'P1', 'postgres').lands('a', { LastName: 'P1' });
    expect(rulesBroken(wrong)).toEqual(['conflicts are real']);
  });
  test('decided for the later one, by what the row says: its transaction may have waited', () => {
    const fields = CONTACT.fields.map((field) => ({ ...field, policy: 'latest' as const }));
    const made = new Story([ACCOUNT, { ...CONTACT, fields, updatedAt: 'updated_at' }]).pair('a', { LastName: 'Base' });
    const begun = new Date(made.now).toISOString();
    made.waits(5).edits('salesforce', 'a', { LastName: 'S1' }).waits(10).edits('postgres', 'a', { LastName: 'P1' });
    made.logs('a', 'LastName', 'S1', 'P1').applies('a', { LastName: 'S1' });
    expect(rulesBroken(made)).toEqual(['conflicts are real']);
    for (const [i, version] of made.versions.entries()) {
      if (version.side === 'postgres')
        made.versions[i] = { ...version, values: { ...version.values, updated_at: begun } };
    }
    expect(rulesBroken(made)).toEqual([]);
  });
  test('of a value that was never there', () => {
    const story = both()
      .applies('a', { LastName: 'S1' })
      .logs('a', 'LastName', 'S1', 'P1')
      .logs('a', 'LastName', 'S1', 'X');
    expect(rulesBroken(story)).toEqual(['conflicts are real']);
  });
  test('of what bringing the record back has done itself', () => {
    const story = new Story()
      .pair('p', { Name: 'Parent' }, 'Account')
      .pair('a', { LastName: 'Child', AccountId: idOf('p') });
    story.versions[3] = { ...story.versions[3]!, values: { ...story.versions[3]!.values, lender_id: 'p' } };
    story.deletes('salesforce', 'a').undeletes('salesforce', 'a', 'sfsync', { AccountId: null });
    const logged = story.logs('a', 'AccountId', null, idOf('p'));
    logged.conflicts[0] = { ...logged.conflicts[0]!, reason: 'edited during our push' };
    expect(rulesBroken(logged)).toContain('conflicts are real');
  });
  test('of an edit and what its maker had seen', () => {
    const story = begun().edits('postgres', 'a', { LastName: 'P1' }).lands('a', { LastName: 'P1' });
    story.edits('salesforce', 'a', { LastName: 'S1' }).applies('a', { LastName: 'S1' });
    expect(rulesBroken(story)).toEqual([]);
    expect(rulesBroken(story.logs('a', 'LastName', 'S1', 'P1'))).toEqual(['conflicts are real']);
  });
});

describe('one edit, one write', () => {
  const story = () => begun().edits('postgres', 'a', { LastName: 'P1' }).lands('a', { LastName: 'P1' });
  test('a push that is sent again', () => {
    expect(rulesBroken(story())).toEqual([]);
    expect(rulesBroken(story().lands('a', { LastName: 'P1' }))).toEqual(['one edit, one write']);
  });
  test('under a fault', () => {
    const faulty = begun().fault('answer lost').edits('postgres', 'a', { LastName: 'P1' });
    faulty.lands('a', { LastName: 'P1' }).lands('a', { LastName: 'P1' });
    expect(rulesBroken(faulty)).toEqual([]);
    expect(excusesOf(faulty)).toEqual({ 'repeated under a fault': 1 });
  });
});

describe('what is refused', () => {
  const refused = (times: number) => {
    const story = begun().edits('postgres', 'a', { LastName: 'P1' });
    for (let time = 0; time < times; time++) {
      story.lands('a', { LastName: 'P1' }).versions.pop();
    }
    return story.lands('a', { LastName: 'P1' });
  };
  test('is sent once more at most', () => {
    expect(rulesBroken(refused(1))).toEqual([]);
    expect(rulesBroken(refused(2))).toEqual(['one edit, one write']);
  });
});

describe('rows come back whole', () => {
  const back = (values: Values) => {
    const story = begun().edits('postgres', 'a', { notes: 'mine' }).deletes('salesforce', 'a');
    story.deletes('postgres', 'a', 'sfsync').undeletes('salesforce', 'a').undeletes('postgres', 'a', 'sfsync', values);
    return story;
  };
  test('with what Salesforce never had', () => {
    expect(rulesBroken(back({}))).toEqual([]);
    expect(rulesBroken(back({ notes: null }))).toEqual(['rows come back whole']);
  });
});

describe('other columns stay', () => {
  const written = (notes: string | null) =>
    new Story()
      .pair('a', { LastName: 'Base', notes: 'old' })
      .edits('postgres', 'a', { notes: 'mine' })
      .edits('salesforce', 'a', { LastName: 'S1' })
      .applies('a', { LastName: 'S1', notes });
  test('what the application had put there', () => {
    expect(rulesBroken(written('mine'))).toEqual([]);
    expect(rulesBroken(written('old'))).toEqual(['other columns stay']);
    expect(rulesBroken(written(null))).toEqual(['other columns stay']);
  });
  test('the spelling of a value that stays', () => {
    const story = (Email: string) =>
      begun()
        .edits('postgres', 'a', { Email: 'mine@x ' })
        .lands('a', { Email: 'mine@x' })
        .edits('salesforce', 'a', { LastName: 'S1' })
        .applies('a', { LastName: 'S1', Email });
    expect(rulesBroken(story('mine@x '))).toEqual([]);
    expect(rulesBroken(story('mine@x'))).toEqual(['other columns stay']);
  });
});

test('a record that comes out of the recycle bin has let go of its parent, which a file had shown: that comes back', () => {
  const child = () =>
    new Story()
      .pair('p', { Name: 'A' }, 'Account')
      .pair('a', { LastName: 'Base' })
      .edits('postgres', 'a', { Email: 'p@x' });
  const story = child().edits('salesforce', 'a', { AccountId: idOf('p') });
  story.logs('a', 'AccountId', idOf('p'), null, 'salesforce');
  story.conflicts[0] = { ...story.conflicts[0]!, reason: 'edited during our push' };
  story.deletes('salesforce', 'a').undeletes('salesforce', 'a', 'client', { AccountId: null });
  story.applies('a', { AccountId: 'p' }).lands('a', { Email: 'p@x', AccountId: idOf('p') });
  expect(rulesBroken(story)).toEqual([]);
});

test('a field that has left the mapping is nobody’s', () => {
  const story = begun().edits('salesforce', 'a', { LastName: 'S1' });
  const contact = { ...CONTACT, fields: CONTACT.fields.filter(({ field }) => field !== 'LastName') };
  story.epochs.push({ from: story.now + 1, objects: [ACCOUNT, contact] });
  story.edits('postgres', 'a', { last_name: 'P1' }).deletes('postgres', 'a').deletes('salesforce', 'a', 'sfsync');
  expect(rulesBroken(story)).toEqual([]);
  story.epochs.pop();
  expect(rulesBroken(story)).toEqual(['deletes are honoured']);
});

describe('a new row whose parent goes, and comes back', () => {
  test('has nothing in its lookup', () => {
    const story = new Story()
      .pair('p', { Name: 'A' }, 'Account')
      .edits('postgres', 'b', { LastName: 'P', AccountId: 'p' });
    story.deletes('salesforce', 'p', 'client', 'Account').applies('b', { AccountId: null });
    story
      .deletes('postgres', 'p', 'sfsync', 'Account')
      .lands('b', { LastName: 'P' })
      .applies('b', { id: idOf('b') });
    story.undeletes('salesforce', 'p', 'client', { Name: 'A' }, 'Account');
    story.undeletes('postgres', 'p', 'sfsync', { Name: 'A', id: idOf('p') }, 'Account');
    expect(rulesBroken(story)).toEqual([]);
    expect(excusesOf(story)).toEqual({ waiting: 2 });
  });
});

describe('what may look like a fault of sfsync', () => {
  test('a row that is gone, or held, is listed with nothing', () => {
    const seen = (reason: string) => {
      const story = begun().edits('postgres', 'a', { LastName: 'P1' }).edits('salesforce', 'a', { LastName: 'S1' });
      story.lands('a', { LastName: 'P1' }, 2).logs('a', 'LastName', 'S1', null, 'postgres');
      const listed = story.conflicts.pop()!;
      story.conflicts.push({ ...listed, reason });
      return story;
    };
    expect(rulesBroken(seen('edited during our push'))).toEqual([]);
    expect(rulesBroken(seen('both edited'))).toContain('conflicts are real');
  });
  test('a parent whose row went for a moment while its child was made', () => {
    const story = (isAway: boolean) => {
      const made = new Story().pair('p', { Name: 'A' }, 'Account');
      made.edits('salesforce', 'b', { LastName: 'S', AccountId: idOf('p') });
      if (isAway) made.deletes('postgres', 'p', 'client', 'Account');
      made.applies('b', { LastName: 'S', AccountId: null, id: idOf('b') });
      if (isAway) made.undeletes('postgres', 'p', 'client', { Name: 'A', id: idOf('p') }, 'Account');
      return made.applies('b', { AccountId: 'p' });
    };
    expect(rulesBroken(story(true))).not.toContain('values have makers');
    expect(rulesBroken(story(false))).toContain('values have makers');
  });
  test('a row that a late file makes of a record which its user has deleted', () => {
    const story = begun().deletes('postgres', 'a').deletes('salesforce', 'a', 'sfsync').undeletes('salesforce', 'a');
    story.edits('salesforce', 'a', { LastName: 'S1' }).deletes('salesforce', 'a');
    story.undeletes('postgres', 'a', 'sfsync', { LastName: 'S1' }).deletes('postgres', 'a', 'sfsync');
    expect(rulesBroken(story)).not.toContain('deletes are honoured');
  });
  test('an edit that Salesforce has refused, and that is listed', () => {
    const story = () => begun().edits('postgres', 'a', { LastName: 'P1' });
    expect(rulesBroken(story().rejected('a', 'LastName'))).toEqual([]);
    expect(rulesBroken(story())).toContain('sides agree');
  });
});

describe('a row that is gone before its record is there', () => {
  const gone = (externalId: string) => {
    const story = new Story([ACCOUNT, { ...CONTACT, externalId: 'External_Id__c' }]);
    story.edits('postgres', 'b', { LastName: 'P1' }).deletes('postgres', 'b');
    story.write('salesforce', 'c', { LastName: 'P1', External_Id__c: externalId }, 'sfsync');
    return story.deletes('salesforce', 'c', 'sfsync');
  };
  test('the record is of that row, which it names', () => {
    expect(rulesBroken(gone('b'))).toEqual([]);
    expect(rulesBroken(gone('another'))).toContain('one to one');
  });
});

describe('lock versions rise', () => {
  const locked = (lockVersion: number) =>
    new Story([ACCOUNT, { ...CONTACT, lockVersion: 'lock_version' }])
      .pair('a', { LastName: 'Base', lock_version: 1 })
      .edits('salesforce', 'a', { LastName: 'S1' })
      .applies('a', { LastName: 'S1', lock_version: lockVersion });
  test('a write of sfsync that leaves it as it was', () => {
    expect(rulesBroken(locked(101))).toEqual([]);
    expect(rulesBroken(locked(1))).toEqual(['lock versions rise']);
  });
});

describe('writes are kept', () => {
  test('an acknowledged write without a version', () => {
    const story = begun();
    const act = { number: 1, side: 'postgres', kind: 'update', object: 'Contact', begun: 0, ended: 1 } as const;
    story.operations.push({ ...act, targets: ['a'], answer: 'done' });
    expect(rulesBroken(story)).toEqual(['writes are kept']);
    story.operations[0] = { ...act, targets: [], answer: 'done' };
    expect(rulesBroken(story)).toEqual([]);
  });
  test('a refused write with one', () => {
    const story = begun().edits('salesforce', 'a', { Rating: 'x' }).applies('a', { Rating: 'x' });
    story.operations[0] = { ...story.operations[0]!, answer: 'refused' };
    expect(rulesBroken(story)).toEqual(['writes are kept']);
    story.operations[0] = { ...story.operations[0]!, answer: 'unknown' };
    expect(rulesBroken(story)).toEqual([]);
  });
});

describe('rest', () => {
  test('a write after quiet', () => {
    const story = begun();
    expect(rulesBroken(story, { afterQuiet: [story.versions[0]!] })).toEqual(['rest']);
  });
  test('a lookup that Salesforce changed without a stamp is found by the sweep', () => {
    const story = new Story().pair('p', { Name: 'Parent' }, 'Account').pair('a', { LastName: 'Child' });
    story.write('salesforce', 'a', { AccountId: idOf('p') }, 'consequence').applies('a', { AccountId: 'p' });
    const afterQuiet = story.versions.slice(-1);
    expect(rulesBroken(story, { afterQuiet })).toEqual([]);
    expect(excusesOf(story, { afterQuiet })).toEqual({ 'not stamped': 1 });
    story.edits('salesforce', 'a', { LastName: 'S1' }).applies('a', { LastName: 'S1' });
    expect(rulesBroken(story, { afterQuiet: story.versions.slice(-1) })).toEqual(['rest']);
  });
  test('a message that is left, an execution that never ends', () => {
    expect(rulesBroken(begun(), { queues: { changes: 1 } })).toEqual(['rest']);
    expect(rulesBroken(begun(), { restless: ['an execution'] })).toEqual(['rest']);
  });
  test('a link that is due', () => {
    const story = begun();
    const [link] = story.history().end.links;
    expect(rulesBroken(story, { links: [{ ...link!, dirty: true }] })).toEqual(['rest']);
    expect(rulesBroken(story.rejected('a'), { links: [{ ...link!, dirty: true }] })).toEqual([]);
    expect(rulesBroken(story, { links: [{ ...link!, pushOpen: true }] })).toEqual(['rest']);
  });
  test('a dead letter', () => {
    const story = begun();
    const letter = { queue: 'executions', error: 'RetryableError', state: 'Decide changes', at: 5_000 };
    expect(rulesBroken(story, { deadLetters: [letter] })).toEqual(['rest']);
    story.fault('postgres restarted');
    expect(rulesBroken(story, { deadLetters: [letter] })).toEqual([]);
    expect(rulesBroken(story, { deadLetters: [{ ...letter, error: 'InvariantError' }] })).toEqual(['rest']);
  });
});

test('no leaks', () => {
  const story = begun();
  story.leaks.push({ where: 'a log', marker: 'text' });
  const { violations } = judge(story.history());
  expect(violations.map(({ rule }) => rule)).toEqual(['no leaks']);
  expect(JSON.stringify(violations)).not.toContain('Zephyrine');
});

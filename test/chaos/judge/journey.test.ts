import { expect, test } from 'vitest';
import { journey } from './journey.ts';
import { judge } from './judge.ts';
import { idOf, Story } from './story.ts';
import { verdictTable } from './table.ts';

function conflicting(): Story {
  const story = new Story().pair('a', { LastName: 'Base' }).edits('postgres', 'a', { LastName: 'Ada' });
  story.fault('answer lost', 'Contact', 2).edits('salesforce', 'a', { LastName: 'Bea' });
  return story.lands('a', { LastName: 'Ada' });
}

test('a journey tells of both sides, pushes and faults, and shows no value', () => {
  const text = journey(conflicting().history(), { object: 'Contact', salesforceId: idOf('a') });
  expect(text.split('\n')).toEqual([
    `Contact ${idOf('a')}, row a`,
    '    0.000  record       create by consequence  LastName=A',
    '    1.000  row          create by consequence  LastName=A',
    '    2.000  row          update by client (operation 1, update, done)  LastName=B',
    '    2.000  fault        answer lost Contact',
    '    3.000  record       update by client (operation 2, update, done)  LastName=C',
    '    3.550  push push 0  looked 0.05 s before; LastName=B',
    '    4.000  record       update by sfsync  LastName=B',
    '    4.000  fault        answer lost over',
    '    4.400  push push 0  closed',
  ]);
  expect(text).not.toMatch(/Ada|Bea/);
});

test('values are shown on demand', () => {
  const text = journey(conflicting().history(), { object: 'Contact', rowKey: 'a' }, { values: true });
  expect(text).toContain('LastName="Ada"');
});

test('what a violation names is marked', () => {
  const history = conflicting().history();
  const [first] = judge(history).violations;
  const text = journey(history, { object: 'Contact', rowKey: 'a' }, { marked: first?.versions });
  expect(text.split('\n').filter((line) => line.startsWith('>'))).toEqual([
    '>   2.000  row          update by client (operation 1, update, done)  LastName=B',
    '>   3.000  record       update by client (operation 2, update, done)  LastName=C',
    '>   4.000  record       update by sfsync  LastName=B',
  ]);
});

test('a row without a record', () => {
  const story = new Story().edits('postgres', 'n', { LastName: 'New' });
  expect(journey(story.history(), { object: 'Contact', rowKey: 'n' })).toContain('create by client');
});

test('the table counts, and names each violation without its values', () => {
  const history = conflicting().history();
  const table = verdictTable(history, judge(history));
  expect(table).toContain('losers are logged: violated 1 times');
  expect(table).toContain(`Contact ${idOf('a')} row a LastName: In salesforce sfsync replaced an edit`);
  expect(table).toMatch(/answer lost +1/);
  expect(table).not.toMatch(/Ada|Bea/);
});

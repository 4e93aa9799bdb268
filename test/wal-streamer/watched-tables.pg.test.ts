import { describe, expect, test } from 'vitest';
import { elapse, holdTheClock, refusing, useStreamedLender } from './streamed-lender.ts';

const streamed = useStreamedLender();
const { started, walEnd, insertLender, comparisonsDue, lender } = streamed;

describe('the mapped tables are looked at while it streams', () => {
  test('one that edits do not come from any more, and then do again', async () => {
    holdTheClock();
    await using stream = started();
    await stream.until(() => stream.told.comparisonsDue.length === 1);
    expect(stream.told.unseen).toEqual([]);
    await lender.rows('alter publication sfsync drop table lenders');
    await elapse(5_000);
    await stream.until(() => stream.told.comparisonsDue.length === 2);
    expect(stream.told.unseen).toEqual([['Account', ['not published']]]);
    expect(stream.told.changed).toEqual([['Account', ['publication changed']]]);
    expect(stream.told.comparisonsDue[1]?.[0]).toMatchObject([{ object: 'Account', reasons: ['publication changed'] }]);
    await lender.rows('alter publication sfsync add table lenders');
    await elapse(5_000);
    await stream.until(() => stream.told.comparisonsDue.length === 3);
    expect(stream.told.unseen[1]).toEqual(['Account', []]);
  });

  test('one that gets another name before it was ever written to', async () => {
    await using stream = started();
    await stream.until(() => stream.told.comparisonsDue.length > 0);
    await lender.rows('alter table lenders rename to former');
    await lender.rows("insert into former (name) values ('Northwind')");
    await stream.until(() => stream.told.tableChanged.length > 0);
    expect(stream.told.tableChanged).toMatchObject([
      { object: 'Account', table: 'public.lenders', leaves: 'table replaced' },
    ]);
    expect(stream.queues.calls).toBe(0);
    await expect.poll(comparisonsDue, { timeout: 30_000 }).toContainEqual(['Account', 'table replaced']);
  });

  test('one of which the stream describes another replica identity: the object is compared', async () => {
    holdTheClock();
    await using stream = started();
    await stream.until(() => stream.told.comparisonsDue.length === 1);
    await insertLender();
    await stream.until(() => stream.queues.messages.length === 1);
    await lender.rows('alter table lenders replica identity full');
    await insertLender();
    await stream.until(() => stream.queues.messages.length === 2);
    expect(stream.told.tableChanged).toMatchObject([{ object: 'Account', leaves: 'replica identity changed' }]);
    await expect.poll(comparisonsDue, { timeout: 30_000 }).toEqual([['Account', 'replica identity changed']]);
  });

  test('one with another column type is told, and nothing has to be compared for it', async () => {
    holdTheClock();
    await using stream = started();
    await stream.until(() => stream.told.comparisonsDue.length === 1);
    await insertLender();
    await stream.until(() => stream.queues.messages.length === 1);
    await lender.rows('alter table lenders alter annual_revenue type text');
    await insertLender();
    await stream.until(() => stream.queues.messages.length === 2);
    expect(stream.told.tableChanged).toMatchObject([{ object: 'Account', column: 'annual_revenue' }]);
    await streamed.wire.ask(await walEnd());
    expect(await comparisonsDue()).toEqual([]);
  });

  test('a comparison that cannot be ordered ends the stream', async () => {
    await lender.rows(refusing('insert', 'sfsync.comparison'));
    holdTheClock();
    await using stream = started();
    await stream.until(() => stream.told.comparisonsDue.length === 1);
    await insertLender();
    await stream.until(() => stream.queues.messages.length === 1);
    await lender.rows('alter table lenders replica identity full');
    await insertLender();
    await expect(stream.ended).rejects.toMatchObject({ name: 'ConfigurationError', code: '42501' });
  });

  test('where they cannot be looked at, the stream ends', async () => {
    await lender.rows('alter table sfsync.mapped_table rename to elsewhere');
    await using stream = started();
    await expect(stream.ended).rejects.toMatchObject({ name: 'ConfigurationError', code: '42P01' });
  });
});

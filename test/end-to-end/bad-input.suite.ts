/** A bad record stops only itself, a bad file only its execution; both can be redriven. */
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { appliedLoans, appliedTotals, expectedTotals, loanFile } from '../support/postgres/loan-file.ts';
import { type BothSides, until } from '../support/system/both-sides.ts';

export function badInput(sides: () => BothSides): void {
  const notifications = (...words: string[]) =>
    sides()
      .notifications()
      .filter(({ subject, message }) => words.every((word) => `${subject}\n${message}`.includes(word)));

  describe('bad input', () => {
    test.concurrent.each([
      ['0 bytes', '', 'records'],
      ['a header only', 'Id,IsDeleted,SystemModstamp,LastName\n', 'records'],
      ['a marker object', 'no records', 'marker'],
    ])('a run without records may leave %s: the execution succeeds', async (_what, content, name) => {
      const key = await sides().putInboundFile('Contact', content, name);
      const execution = await sides().executionOf(key);
      expect(execution.status).toBe('SUCCEEDED');
      expect(JSON.parse(execution.output ?? '')).toEqual({ object: 'Contact', key, records: 0 });
    });

    test.concurrent.each([
      ['content without one readable record', 'Contact', 'has content, but not one readable record of its object'],
      ['records of an object that is not mapped', 'Lead', 'holds records of an unknown object'],
    ])('%s: the execution fails, a notification says why, and the file stays', async (_what, object, reason) => {
      const key = await sides().putInboundFile(object, `who is ${sides().personal('email')}?\n`);
      const { status, error, cause = '', executionArn } = await sides().executionOf(key);

      expect([status, error]).toEqual(['FAILED', 'ConfigurationError']);
      expect(cause).toContain(key);
      expect(cause).toContain(reason);
      await until('a notification with key and reason', () => notifications(key, reason).length > 0);
      expect(notifications(key, reason)).toHaveLength(1);
      await until('the dead letter', async () =>
        (await sides().deadLetters('salesforceToPostgres')).some((letter) => letter.includes(executionArn)),
      );
      await sides().system.call('s3', 'HeadObject', { Bucket: sides().resource('bucket'), Key: key });
    });

    test.concurrent('one unreadable line among good ones is rejected and listed; the others are applied', async () => {
      const person = { FirstName: sides().personal('name'), LastName: sides().personal('name') };
      const { id = '' } = await sides().salesforce.sobject('Contact').create(person);
      const good = await sides().fileLine('Contact', id);
      const unreadable = `{"Id": "${sides().personal('name')}`;

      const key = await sides().putInboundFile('Contact', `${good}\n${unreadable}\n`);
      const execution = await sides().executionOf(key);
      expect(execution.status).toBe('SUCCEEDED');
      const { rejected, inserted, unchanged } = JSON.parse(execution.output ?? '');
      expect({ rejected, applied: inserted + unchanged }).toEqual({ rejected: 1, applied: 1 });
      expect(await sides().row('select last_name from borrowers where salesforce_id = $1', [id])).toEqual({
        last_name: person.LastName,
      });
      const rejects = 'select line, code, resolved_at from sfsync.rejected_record where source = $1';
      expect(await sides().rows(rejects, [key])).toEqual([{ line: 2, code: expect.any(String), resolved_at: null }]);
      await until('a notification that names the file', () => notifications('1 rejected record', key).length > 0);
    });

    test.concurrent('a record that the database refuses is rejected alone, and comes through when it is mended', async () => {
      const [bad, good] = await sides().pairs('Contact', 2);
      if (bad === undefined || good === undefined) throw new Error('two pairs were asked for');
      const [refused, mended, other] = [
        sides().personal('phone'),
        sides().personal('phone'),
        sides().personal('phone'),
      ];
      await sides().rows(`alter table borrowers add constraint phone_of_the_portal check (phone <> '${refused}')`);
      const phone = async (key: string) =>
        (await sides().row<{ phone: string }>('select phone from borrowers where id = $1', [key]))?.phone;
      const before = await phone(bad.key);
      const reject = () =>
        sides().row<{ code: string; source: string; resolved_at: Date | null }>(
          'select * from sfsync.rejected_record where salesforce_id = $1',
          [bad.id],
        );

      await sides()
        .salesforce.sobject('Contact')
        .update([
          { Id: bad.id, Phone: refused },
          { Id: good.id, Phone: other },
        ]);
      await sides().rest();
      expect(await phone(good.key)).toBe(other);
      expect(await phone(bad.key)).toBe(before);
      const listed = await reject();
      expect(listed).toMatchObject({ direction: 'to-postgres', code: '23514', resolved_at: null });
      const [notification, ...more] = notifications(listed?.source ?? 'no source');
      expect(more).toEqual([]);
      expect(notification?.message).toContain('1 x 23514');

      await sides().salesforce.sobject('Contact').update({ Id: bad.id, Phone: mended });
      await sides().rest();
      expect(await phone(bad.key)).toBe(mended);
      expect((await reject())?.resolved_at).not.toBeNull();
    });

    test.concurrent('a record that Salesforce refuses is rejected alone; its next edit comes through', async () => {
      const [bad, good] = await sides().pairs('Opportunity', 2);
      if (bad === undefined || good === undefined) throw new Error('two pairs were asked for');
      const [refused, mended, other] = [sides().personal('name'), sides().personal('name'), sides().personal('name')];
      const rowError = { object: 'Opportunity', ids: [bad.id], message: `No loan is called ${refused}` };
      await sides().faults({ rowError });
      const title = async (id: string) => (await sides().record('Opportunity', id, 'Name'))?.Name;

      await sides().rows(
        'update loan_applications set title = case id when $1 then $3 else $4 end where id in ($1, $2)',
        [bad.key, good.key, refused, other],
      );
      await sides().rest();
      expect(await title(good.id)).toBe(other);
      const reject = () => sides().row('select * from sfsync.rejected_record where salesforce_id = $1', [bad.id]);
      expect(await reject()).toMatchObject({
        direction: 'to-salesforce',
        code: 'FIELD_CUSTOM_VALIDATION_EXCEPTION',
        resolved_at: null,
      });
      const notices = () =>
        notifications('1 rejected record to Salesforce (Opportunity)', '1 x FIELD_CUSTOM_VALIDATION_EXCEPTION');
      await until('a notification of it', () => notices().length > 0);
      expect(notices()).toHaveLength(1);

      await sides().faults({ rowError: null });
      await sides().rows('update loan_applications set title = $2 where id = $1', [bad.key, mended]);
      await sides().rest();
      expect(await title(bad.id)).toBe(mended);
      expect((await reject())?.resolved_at).not.toBeNull();
    });

    test('a failed execution is redriven once the cause is mended, and goes on where it failed', async () => {
      const { id, key } = await sides().pair('Account');
      const phone = sides().personal('phone');
      await sides().rows('revoke update on lenders from sfsync_apply');
      await sides().salesforce.sobject('Account').update({ Id: id, Phone: phone });
      const failed = await until('an execution that failed', async () =>
        (await sides().executions('salesforceToPostgres', 'FAILED')).find(
          ({ executionArn }) => notifications(executionArn, 'Account', 'permission denied').length > 0,
        ),
      );

      await sides().rows('grant update on lenders to sfsync_apply');
      const { executionArn } = failed;
      await sides().system.call('states', 'RedriveExecution', { executionArn });
      await until(
        'the end of the redriven execution',
        async () => (await sides().describe(executionArn)).status !== 'RUNNING',
      );
      expect(await sides().describe(executionArn)).toMatchObject({ status: 'SUCCEEDED', redriveCount: 1 });
      expect(await sides().row('select phone from lenders where id = $1', [key])).toEqual({ phone });
    });
  });
}

/** 10,000, of which one is bad. They exist in the file alone, and stay in the table. */
const LOANS = { first: 100_000, count: 10_000 };
const BAD = 7_777;

export function oneBadRecord(sides: () => BothSides): void {
  test('one bad record in 10,000: 9,999 are applied, one is listed and notified; its next version comes through', async () => {
    const lines = (await text(loanFile(LOANS))).split('\n');
    const bad = JSON.parse(lines[BAD] ?? '');
    lines[BAD] = JSON.stringify({ ...bad, Name: null });
    const key = await sides().putInboundFile('Opportunity', lines.join('\n'));
    const { status, output = '' } = await sides().executionOf(key);
    expect(status).toBe('SUCCEEDED');
    expect(JSON.parse(output)).toMatchObject({ inserted: LOANS.count - 1, rejected: 1, conflicts: 0 });
    expect(await appliedLoans(sides(), LOANS)).toBe(LOANS.count - 1);

    const rejects = `select salesforce_id, source, line, field, code, resolved_at is not null as resolved
                       from sfsync.rejected_record where source = $1`;
    const listed = { salesforce_id: bad.Id, source: key, line: BAD + 1, field: 'Name', code: '23502' };
    expect(await sides().rows(rejects, [key])).toEqual([{ ...listed, resolved: false }]);
    const notifications = () =>
      sides()
        .notifications()
        .filter(({ message }) => message.includes(key));
    await until('a notification that names the file', () => notifications().length > 0);
    expect(notifications()).toHaveLength(1);
    expect(notifications()[0]?.subject).toBe('sfsync: 1 rejected record from Salesforce (Opportunity)');
    expect(notifications()[0]?.message).toContain('1 x 23502 (Name)');

    const mended = await sides().putInboundFile('Opportunity', loanFile({ first: LOANS.first + BAD, count: 1 }));
    expect((await sides().executionOf(mended)).status).toBe('SUCCEEDED');
    expect(await appliedTotals(sides(), LOANS)).toEqual(expectedTotals(LOANS));
    expect(await sides().rows(rejects, [key])).toEqual([{ ...listed, resolved: true }]);
  });
}

/** At least once, applied once: whatever dies, and when, every edit arrives, and none twice. */
import { describe, expect, test } from 'vitest';
import { type BothSides, type Pair, until } from '../support/system/both-sides.ts';

export function killed(sides: () => BothSides): void {
  /** The kinds of writes of each record: one update each, if every edit arrived and none twice. */
  const writesOf = async (pairs: readonly Pair[]) =>
    Promise.all(pairs.map(async ({ id }) => (await sides().writesToRecord(id)).map(({ kind }) => kind)));

  const setTimeouts = async (functions: readonly string[], Timeout: number) => {
    for (const FunctionName of functions) {
      await sides().system.call('lambda', 'UpdateFunctionConfiguration', { FunctionName, Timeout });
    }
  };

  /** From now on a function that decides what is sent of one record, or that applies the other, holds its transaction until it ends. */
  const slowLinks = async (sent: Pair, applied: Pair) => {
    await sides().rows(`create function lasts() returns trigger language plpgsql as
      'begin perform pg_sleep(600); return new; end'`);
    await sides().rows(`create trigger lasts before update on sfsync.link for each row
      when (old.salesforce_id = '${applied.id}'
        or old.salesforce_id = '${sent.id}' and new.push_id is distinct from old.push_id)
      execute function lasts()`);
    const sessions = "select pid from pg_stat_activity where usename = 'sfsync_apply' and wait_event = 'PgSleep'";
    return {
      sessions: async (): Promise<unknown[]> => (await sides().rows(sessions)).map(({ pid }) => pid),
      end: () => sides().rows('drop function lasts cascade'),
    };
  };

  describe('whatever dies, every edit arrives, and none twice', () => {
    test('the WAL streamer, killed twice in a burst of edits', async () => {
      const loans = await sides().pairs('Opportunity', 60);
      const contacts = await sides().pairs('Contact', 30);
      for (const [i, { key }] of loans.entries()) {
        await sides().rows('update loan_applications set amount = $2 where id = $1', [key, 7000 + i]);
        const contact = i % 2 === 0 ? contacts[i / 2] : undefined;
        await sides().rows('update borrowers set credit_score = 777 where id = $1', [contact?.key]);
        if (i === 15 || i === 40) sides().system.kill('wal-streamer');
      }
      await sides().rest();

      for (const [i, { id }] of loans.entries()) {
        expect(await sides().record('Opportunity', id, 'Amount')).toMatchObject({ Amount: 7000 + i });
      }
      expect(await writesOf(loans)).toEqual(loans.map(() => ['update']));
      expect(await writesOf(contacts)).toEqual(contacts.map(() => ['update']));
    });

    test('the sessions of the database, ended again and again while edits travel both ways', async () => {
      const outbound = await sides().pairs('Opportunity', 20);
      const inbound = await sides().pairs('Contact', 20);
      const since = Date.now();
      const end = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'sfsync_apply'";
      for (const [i, { key }] of outbound.entries()) {
        await sides().rows('update loan_applications set amount = $2 where id = $1', [key, 8000 + i]);
        await sides()
          .salesforce.sobject('Contact')
          .update({ Id: inbound[i]?.id ?? '', Birthdate: '1970-01-01' });
        if (i % 3 === 0) await sides().rows(end);
      }
      await sides().rest();

      for (const [i, { id }] of outbound.entries()) {
        expect(await sides().record('Opportunity', id, 'Amount')).toMatchObject({ Amount: 8000 + i });
      }
      const born = await sides().rows("select from borrowers where born_on = '1970-01-01' and id = any ($1)", [
        inbound.map(({ key }) => key),
      ]);
      expect(born).toHaveLength(inbound.length);
      expect(await writesOf([...outbound, ...inbound])).toEqual([...outbound, ...inbound].map(() => ['update']));
      for (const { key } of inbound) expect(await sides().writesToRow(key)).toEqual(['update']);
      expect(await sides().failures(since), 'a lost session is tried again in its step').toEqual([]);
    });

    test('the answers to our writes, lost on their way', async () => {
      const [edited, deleted] = await sides().pairs('Opportunity', 2);
      if (edited === undefined || deleted === undefined) throw new Error('two pairs were asked for');
      const lost = { object: 'Opportunity', client: 'sfsync', kinds: ['collections'], times: 2 };
      await sides().faults({ lostReply: lost });
      await sides().rows('update loan_applications set amount = 9009 where id = $1', [edited.key]);
      await sides().rows('delete from loan_applications where id = $1', [deleted.key]);
      await until('two lost answers', async () => !(await sides().faultIsOn('lostReply')));
      await sides().rest();

      expect(await sides().record('Opportunity', edited.id, 'Amount')).toMatchObject({ Amount: 9009 });
      expect(await sides().record('Opportunity', deleted.id, 'Amount')).toMatchObject({ IsDeleted: true });
      expect(await writesOf([edited, deleted])).toEqual([['update'], ['delete']]);
      const open = 'select from sfsync.conflict where salesforce_id = any ($1) and resolved_at is null';
      expect(await sides().rows(open, [[edited.id, deleted.id]])).toEqual([]);
    });

    test('functions, timed out while they hold a transaction', async () => {
      const [out, back] = await sides().pairs('Contact', 2);
      if (out === undefined || back === undefined) throw new Error('two pairs were asked for');
      const [email, phone] = [sides().personal('email'), sides().personal('phone')];
      const functions = await sides().functionNames(['ApplyRecords', 'DecideChanges']);
      const writing = await slowLinks(out, back);
      // Enough to start a function and to open its session; each is cut off as it writes.
      await setTimeouts(functions, 5);
      try {
        await sides().rows('update borrowers set email = $2 where id = $1', [out.key, email]);
        await sides().salesforce.sobject('Contact').update({ Id: back.id, Phone: phone });
        // Cut off by itself shortly before the end of its time, or by the service at the end.
        const timedOut = /^failed with (RetryableError|Sandbox.Timedout)/;
        const failed = (name: string) =>
          sides().entries.some(({ subject, text }) => subject === name && timedOut.test(text));
        const seen = new Set<unknown>();
        await until('both functions write, and time out', async () => {
          for (const pid of await writing.sessions()) seen.add(pid);
          return seen.size >= 2 && functions.every(failed);
        });
        await until('what they held is free', async () => (await writing.sessions()).length === 0);
      } finally {
        await writing.end();
        await setTimeouts(functions, 300);
      }
      await sides().rest();

      expect(await sides().record('Contact', out.id, 'Email')).toMatchObject({ Email: email });
      expect(await sides().row('select phone from borrowers where id = $1', [back.key])).toEqual({ phone });
      expect(await writesOf([out, back])).toEqual([['update'], ['update']]);
    });
  });
}

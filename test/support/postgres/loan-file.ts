/** A file of loan applications of any size: its lines, and what the table holds when all of them are applied. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { STAGES } from '../../../examples/lender/seed.ts';
import type { BothSides } from '../system/both-sides.ts';

const LINES_PER_CHUNK = 1000;

/** Loan `n`, about 280 bytes. No lookup: the file is about size, not about families. */
function loan(n: number) {
  const day = `${2027 + (n % 3)}-${pad((n % 12) + 1, 2)}-${pad((n % 28) + 1, 2)}`;
  return {
    Id: loanId(n),
    IsDeleted: false,
    SystemModstamp: '2026-01-01T00:00:00.000+0000',
    Name: `Loan ${n} of the large file`,
    Amount: 10_000 + (n % 90_000) + (n % 4) / 4,
    StageName: STAGES[n % STAGES.length] ?? '',
    CloseDate: day,
    AccountId: null,
    Probability: n % 101,
    Loan_Term_Months__c: 12 * ((n % 30) + 1),
    Approved_At__c: `2026-01-${pad((n % 28) + 1, 2)}T08:${pad(n % 60, 2)}:00.000+0000`,
    Purposes__c: n % 3 === 0 ? null : 'Car;House',
  };
}

/** Which loans: `count` of them, from the one with number `first` on. */
export interface Loans {
  readonly first: number;
  readonly count: number;
}

/** The file with these loans, as a stream. */
export function loanFile({ first, count }: Loans): Readable {
  return Readable.from(
    (function* () {
      for (let done = 0; done < count; done += LINES_PER_CHUNK) {
        const size = Math.min(LINES_PER_CHUNK, count - done);
        const lines = Array.from({ length: size }, (_, i) => `${JSON.stringify(loan(first + done + i))}\n`);
        yield Buffer.from(lines.join(''));
      }
    })(),
  );
}

/** How many loans there are, and a sum over their values that does not depend on their order. */
export interface LoanTotals {
  readonly count: number;
  readonly checksum: bigint;
}

export function expectedTotals({ first, count }: Loans): LoanTotals {
  let checksum = 0n;
  for (let n = first; n < first + count; n++) {
    const { Id, Name, Amount, StageName, CloseDate, Loan_Term_Months__c: months } = loan(n);
    const digest = createHash('md5').update([Id, Name, Amount, StageName, CloseDate, months].join('|')).digest();
    checksum += BigInt(digest.readUInt32BE(0));
  }
  return { count, checksum };
}

/** Totals of these loans in the table, of which each must have its link with a base. */
export async function appliedTotals(both: BothSides, loans: Loans): Promise<LoanTotals> {
  const row = await both.row<{ count: string; checksum: string }>(
    `select count(*), coalesce(sum(('x' || substr(md5(concat_ws('|', t.salesforce_id, title, trim_scale(amount), stage,
            closes_on, term_months)), 1, 8))::bit(32)::bigint), 0) as checksum
       from loan_applications t join sfsync.link l on l.object = 'Opportunity' and l.row_key = t.id::text
      where t.salesforce_id collate "C" between $1 and $2 and l.base is not null and not l.dirty`,
    bounds(loans),
  );
  return { count: Number(row?.count), checksum: BigInt(row?.checksum ?? 0) };
}

/** How many of these loans there are; for a look in between. */
export async function appliedLoans(both: BothSides, loans: Loans): Promise<number> {
  const sql = 'select count(*) from loan_applications where salesforce_id collate "C" between $1 and $2';
  return Number((await both.row<{ count: string }>(sql, bounds(loans)))?.count);
}

function bounds({ first, count }: Loans): [string, string] {
  return [loanId(first), loanId(first + count - 1)];
}

function loanId(n: number): string {
  return `006${pad(n, 12)}AAA`;
}

/**
 * A crash that no retry gets over: the sessions that write are killed, and no new one may write. Answers what mends it.
 */
export async function breakWrites(both: BothSides): Promise<() => Promise<void>> {
  await both.rows('revoke insert, update on loan_applications from sfsync_apply');
  await both.rows("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'sfsync_apply'");
  return async () => {
    await both.rows('grant insert, update on loan_applications to sfsync_apply');
  };
}

function pad(n: number, digits: number): string {
  return String(n).padStart(digits, '0');
}

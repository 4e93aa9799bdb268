/**
 * Records what Prisma's client sends, in the order and with the values as they reach the driver:
 *
 *   npm install prisma@7 @prisma/client@7 @prisma/adapter-pg@7 && npx prisma generate && npx prisma migrate deploy
 *   DATABASE_URL=postgres://... node --experimental-transform-types record.mjs > statements.json
 *
 * In a folder of its own with a copy of `prisma/`; none of these packages is needed to replay the statements.
 */
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from './generated/client.ts';

const begun = Date.now();
const recorded = [];

/** A moment of this recording is "now" in every replay. */
const storable = (value) => {
  const moment = typeof value === 'string' && /^\d{4}-\d\d-\d\d[ T]\d\d:\d\d/.test(value) ? value : undefined;
  const at = moment && Date.parse(`${moment.replace(' ', 'T').replace(/(Z|\+00:00)?$/, '')}Z`);
  return at && at >= begun - 1_000 && at <= Date.now() + 1_000 ? { now: true } : value;
};

const query = pg.Client.prototype.query;
pg.Client.prototype.query = function (config, values, ...rest) {
  const sql = typeof config === 'string' ? config : config.text;
  const given = (typeof config === 'string' ? values : (config.values ?? values)) ?? [];
  recorded.at(-1)?.statements.push({ sql, ...(given.length > 0 && { values: given.map(storable) }) });
  return query.call(this, config, values, ...rest);
};

const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: process.env.DATABASE_URL }) });

/** Runs the calls of the application, and keeps their source beside what was sent. */
async function record(name, work) {
  recorded.push({ name, call: work.toString().replace(/^(async )?\(\) =>\s*/, ''), statements: [] });
  return work();
}

const day = (text) => new Date(`${text}T00:00:00Z`);

const lender = await record('create', () =>
  prisma.lender.create({ data: { name: 'First Lender', industry: 'BANKING', annualRevenue: '1200000.50' } }),
);
const loan = await record('create with parents and children', () =>
  prisma.loan.create({
    data: {
      title: 'Barn',
      status: 'SUBMITTED',
      amount: '250000',
      rate: 4.125,
      purposes: ['PURCHASE', 'RENOVATION'],
      channels: ['web'],
      lender: { create: { name: 'Second Lender', industry: 'CREDIT_UNION' } },
      borrower: { create: { lastName: 'Moss', email: 'moss@mail.example', bornOn: day('1980-02-03'), tags: ['vip'] } },
      payments: {
        create: [
          { reference: 'P-1', amount: '1000.10', dueOn: day('2031-01-01') },
          { reference: 'P-2', amount: '1000.10', dueOn: day('2031-02-01') },
        ],
      },
    },
    include: { payments: true, borrower: true },
  }),
);
await record('update', () =>
  prisma.loan.update({
    where: { id: loan.id },
    data: { status: 'UNDERWRITING', approvedAt: new Date('2030-12-01T10:00:00.123Z') },
  }),
);
await record('update with children', () =>
  prisma.loan.update({
    where: { id: loan.id },
    data: {
      title: 'Barn and Mill',
      lender: { connect: { id: lender.id } },
      payments: {
        update: { where: { id: loan.payments[0].id }, data: { paid: true } },
        create: { reference: 'P-3', amount: '5', dueOn: day('2031-03-01') },
      },
    },
  }),
);
await record('updateMany', () =>
  prisma.payment.updateMany({ where: { loanId: loan.id, paid: false }, data: { paid: true } }),
);
await record('increment', () =>
  prisma.loan.update({ where: { id: loan.id }, data: { termMonths: { increment: 12 }, channels: ['web', 'broker'] } }),
);
await record('upsert, new', () =>
  prisma.borrower.upsert({
    where: { email: 'nye@mail.example' },
    create: { email: 'nye@mail.example', lastName: 'Nye' },
    update: { lastName: 'Noble' },
  }),
);
await record('upsert, there', () =>
  prisma.borrower.upsert({
    where: { email: 'nye@mail.example' },
    create: { email: 'nye@mail.example', lastName: 'Nye' },
    update: { lastName: 'Noble', tags: { push: 'first-time' } },
  }),
);
await record('createMany', () =>
  prisma.payment.createMany({
    data: [
      { reference: 'C-1', amount: '1', dueOn: day('2031-04-01'), loanId: loan.id },
      { reference: 'C-2', amount: '2.50', dueOn: day('2031-05-01'), loanId: loan.id },
    ],
    skipDuplicates: true,
  }),
);
await record('transaction', () =>
  prisma.$transaction(async (tx) => {
    const made = await tx.lender.create({ data: { name: 'Third Lender' } });
    await tx.borrower.create({ data: { lastName: 'Orr', lenderId: made.id } });
  }),
);
await record('update to nothing', () =>
  prisma.loan.update({
    where: { id: loan.id },
    data: { approvedAt: null, purposes: [], borrower: { disconnect: true } },
  }),
);
await record('delete', () =>
  prisma.payment.delete({ where: { loanId_reference: { loanId: loan.id, reference: 'P-2' } } }),
);
await record('read a lender', () => prisma.lender.findUnique({ where: { salesforceId: '001000000000001AAA' } }));
await record('read a borrower', () => prisma.borrower.findUnique({ where: { salesforceId: '003000000000001AAA' } }));
await record('read a loan', () => prisma.loan.findUnique({ where: { salesforceId: 'a0L000000000001AAA' } }));
await record('read a payment', () => prisma.payment.findUnique({ where: { salesforceId: 'a0P000000000001AAA' } }));
await record('delete, with its children', () => prisma.loan.delete({ where: { id: loan.id } }));
await record('deleteMany', () => prisma.borrower.deleteMany({ where: { email: { endsWith: '@mail.example' } } }));

await prisma.$disconnect();
process.stdout.write(`${JSON.stringify(recorded, null, 2)}\n`);

import { beforeEach, describe, expect, test } from 'vitest';
import { lambdas, useSurroundings } from '../lambdas.ts';

const KEY = 'salesforce/Account/flow/run-1/0';
const around = useSurroundings();
const { validateFile, mapRecords, applyRecords } = lambdas();

beforeEach(async () => {
  await around.lender.rows('truncate lenders, borrowers, loan_applications, sfsync.link, sfsync.rejected_record');
});

const idOf = (line: number) => `001${String(line).padStart(12, '0')}AAA`;

async function deliver(file: string | Buffer) {
  const { lambda } = around;
  const size = await lambda.put(KEY, file);
  const { ranges } = await validateFile({ bucket: lambda.bucket, key: KEY, size });
  expect(ranges).toHaveLength(1);
  const request = { bucket: lambda.bucket, key: KEY, object: 'Account', range: ranges[0], execution: 'x' };
  const { mappedKey } = await mapRecords(request);
  const putAt = new Date().toISOString();
  return applyRecords({ from: 'file', object: 'Account', mappedKey, source: KEY, putAt, execution: 'x' });
}

function recordLine(line: number, description: string): string {
  const others = '"Phone":null,"Website":null,"Industry":null,"AnnualRevenue":null,"NumberOfEmployees":null';
  return `{"Id":"${idOf(line)}","IsDeleted":false,"SystemModstamp":"2026-01-01T12:00:00Z","Name":"${line}",${others},"Description":"${description}"}\n`;
}

const csv = (line: number, description: Buffer) =>
  Buffer.concat([Buffer.from(`${idOf(line)},false,2026-01-01T12:00:00Z,${line},"`), description, Buffer.from('"\n')]);
const HEADER = Buffer.from('\ufeffId,IsDeleted,SystemModstamp,Name,Description\n');

describe('a text that PostgreSQL cannot store', () => {
  test.for<[string, string | Buffer]>([
    ['half of a surrogate pair', recordLine(1, 'a\\ud800b')],
    ['the other half', recordLine(1, '\\udc00')],
    ['both halves in the wrong order', recordLine(1, '\\udc00\\ud800')],
    ['a NUL', recordLine(1, 'a\\u0000b')],
    ['nothing but a NUL', recordLine(1, '\\u0000')],
    ['a byte that is no UTF-8', Buffer.from(recordLine(1, 'caf\u00e9'), 'latin1')],
  ])('with %s is rejected alone, with its field', async ([, bad]) => {
    const applied = await deliver(Buffer.concat([Buffer.from(bad), Buffer.from(recordLine(2, 'good'))]));
    expect(applied).toMatchObject({ inserted: 1, rejected: 1 });
    const rejects = 'select salesforce_id as id, field, code, line from sfsync.rejected_record';
    expect(await around.lender.rows(rejects)).toEqual([
      { id: idOf(1), field: 'Description', code: 'UNSTORABLE_TEXT', line: 1 },
    ]);
    expect(await around.lender.rows('select name, description from lenders')).toEqual([
      { name: '2', description: 'good' },
    ]);
  });

  test('in a CSV is rejected alone, too', async () => {
    const file = Buffer.concat([HEADER, csv(1, Buffer.from([0x63, 0xe9])), csv(2, Buffer.from('gut \u00e4'))]);
    await deliver(file);
    expect(await around.lender.rows('select field, code from sfsync.rejected_record')).toEqual([
      { field: 'Description', code: 'UNSTORABLE_TEXT' },
    ]);
  });
});

test.for([
  ['marks', 'unlinked:1'],
  ['a replacement character of its own', 'a\ufffdb'],
  ['noncharacters', 'a\ufffe\uffff\u{1fffe}b'],
  ['the mark of a file', '\ufeffa'],
  ['control characters', 'a\u0001\u000b\u001b\u007f\u0085b'],
  ['other ends of lines', 'a\u2028b\u2029c'],
  ['composed letters', 'caf\u00e9'],
  ['decomposed letters', 'cafe\u0301'],
  ['pairs', '\u{1f600}'],
])('a text with %s is the same in the row and in the base', async ([, text]) => {
  const written = JSON.stringify(text).slice(1, -1);
  expect(await deliver(recordLine(1, written))).toMatchObject({ inserted: 1, rejected: 0 });
  expect(await around.lender.rows('select description from lenders')).toEqual([{ description: text }]);
  const [link] = await around.lender.rows('select base, base::jsonb as checked from sfsync.link');
  expect([link?.base.Description, link?.checked.Description]).toEqual([text, text]);
});

import { describe, expect, test } from 'vitest';
import { setUp } from './appflow-setup.ts';
import { inboundFlow, mapTasks } from './flow-templates.ts';
import { FLOW, lines, NOON, setUpWithContacts } from './inbound-setup.ts';

describe('the files of a run', () => {
  test('hold one object per line, under flow, date and execution', async () => {
    await using setup = await setUpWithContacts();
    const run = await setup.appflow.runScheduled(FLOW);
    const texts = setup.aws.texts('data');
    const keys = Object.keys(texts);
    expect(keys).toHaveLength(1);
    const folder = `salesforce/Contact/contact-in/2026/01/31/${run?.executionId}/`;
    expect(keys[0]?.startsWith(`${folder}${run?.executionId}`)).toBe(true);
    expect(lines(texts)).toEqual([
      {
        Id: '003A',
        LastName: 'Ärger, "jr."',
        Amount__c: 12.5,
        IsDeleted: false,
        SystemModstamp: '2026-01-31T11:59:00.000+0000',
      },
      { Id: '003B', LastName: null, Amount__c: 7, IsDeleted: false, SystemModstamp: '2026-01-31T11:59:10.000+0000' },
      {
        Id: '003C',
        LastName: 'Gone',
        Amount__c: null,
        IsDeleted: true,
        SystemModstamp: '2026-01-31T11:59:20.000+0000',
      },
    ]);
    expect(setup.aws.callers).toEqual(new Set(['appflow.amazonaws.com']));
    expect(run?.totals.bytesWritten).toBe(Buffer.byteLength(Object.values(texts).join('')));
  });

  test('are one per page, or one in all', async () => {
    for (const [aggregation, files] of [
      ['None', 3],
      ['SingleFile', 1],
    ] as const) {
      await using setup = await setUpWithContacts({ format: { AggregationConfig: { AggregationType: aggregation } } });
      setup.org.pageSize = 1;
      await setup.appflow.runScheduled(FLOW);
      const texts = setup.aws.texts('data');
      expect(Object.keys(texts)).toHaveLength(files);
      expect(
        lines(texts)
          .map(({ Id }) => Id)
          .sort(),
      ).toEqual(['003A', '003B', '003C']);
    }
  });

  test('of about the target size are several', async () => {
    const format = { AggregationConfig: { AggregationType: 'SingleFile', TargetFileSize: 1 } };
    await using setup = await setUpWithContacts({ format });
    setup.org.pageSize = 2;
    for (let index = 0; index < 6; index += 1) {
      setup.org.put(`003X${index}`, NOON - 1000, { LastName: 'x'.repeat(400_000) });
    }
    await setup.appflow.runScheduled(FLOW);
    expect(Object.keys(setup.aws.texts('data'))).toHaveLength(2);
  });

  test.each([
    ['no configuration', {}, /^salesforce\/Contact\/contact-in\/[\w-]{36}-0$/],
    ['the file name', { PrefixType: 'FILENAME', PrefixFormat: 'HOUR' }, /contact-in\/[\w-]{36}-2026-01-31-12-0$/],
    [
      'path, file name and schema version',
      { PrefixType: 'PATH_AND_FILENAME', PrefixFormat: 'MONTH', PathPrefixHierarchy: ['SCHEMA_VERSION'] },
      /contact-in\/schemaVersion_1\/2026\/01\/[\w-]{36}-2026-01-0$/,
    ],
  ])('are placed by %s', async (_, PrefixConfig, key) => {
    await using setup = await setUpWithContacts({ format: { PrefixConfig } });
    await setup.appflow.runScheduled(FLOW);
    expect(Object.keys(setup.aws.texts('data'))).toEqual([expect.stringMatching(key)]);
  });

  test('can be CSV, quoted as RFC 4180 asks', async () => {
    await using setup = await setUpWithContacts({ format: { FileType: 'CSV' } });
    setup.org.put('003A', NOON - 60_000, { LastName: 'Ärger, "jr."\nline two' });
    await setup.appflow.runScheduled(FLOW);
    expect(Object.values(setup.aws.texts('data'))[0]).toBe(
      'Id,LastName,Amount__c,IsDeleted,SystemModstamp\n' +
        '003A,"Ärger, ""jr.""\nline two",12.5,false,2026-01-31T11:59:00.000+0000\n' +
        '003B,,7,false,2026-01-31T11:59:10.000+0000\n' +
        '003C,Gone,,true,2026-01-31T11:59:20.000+0000\n',
    );
  });

  test('name the destination fields of the mapping', async () => {
    const tasks = mapTasks('Salesforce', [{ field: 'Id', to: 'salesforce_id' }]);
    await using setup = await setUpWithContacts({ tasks });
    await setup.appflow.runScheduled(FLOW);
    expect(lines(setup.aws.texts('data'))[0]).toEqual({ salesforce_id: '003A' });
  });
});

describe('what AWS does not document is a setting', () => {
  const only = (texts: Record<string, string>) => Object.values(texts).join('');

  test.each([
    ['lines', /^\{.*\}\n\{.*\}\n\{.*\}\n$/],
    ['array', /^\[\{.*\},\n\{.*\},\n\{.*\}\]$/],
  ])('layout %s', async (jsonLayout, layout) => {
    await using setup = await setUpWithContacts(
      { format: { AggregationConfig: { AggregationType: 'SingleFile' } } },
      { jsonLayout },
    );
    setup.org.pageSize = 2;
    await setup.appflow.runScheduled(FLOW);
    expect(only(setup.aws.texts('data'))).toMatch(layout);
  });

  test.each([
    ['null', null],
    ['empty-string', ''],
    ['absent', undefined],
  ])('nulls as %s', async (nulls, value) => {
    await using setup = await setUpWithContacts({}, { nulls });
    await setup.appflow.runScheduled(FLOW);
    const record = lines(setup.aws.texts('data'))[1] ?? {};
    expect('LastName' in record).toBe(value !== undefined);
    expect((record as { LastName?: unknown }).LastName).toBe(value);
  });

  test('numbers and booleans as strings, and the attributes kept', async () => {
    await using setup = await setUpWithContacts({}, { numbers: 'strings', attributes: 'keep' });
    await setup.appflow.runScheduled(FLOW);
    expect(lines(setup.aws.texts('data'))[1]).toEqual({
      attributes: { type: 'Contact', url: '/sobjects/Contact/003B' },
      Id: '003B',
      LastName: null,
      Amount__c: '7',
      IsDeleted: 'false',
      SystemModstamp: '2026-01-31T11:59:10.000+0000',
    });
  });

  test.each([
    ['nothing', 'JSON', undefined],
    ['zero-bytes', 'CSV', ''],
    ['header-only', 'CSV', 'Id,LastName,Amount__c,IsDeleted,SystemModstamp\n'],
    ['header-only', 'JSON', ''],
  ])('an empty run leaves %s in %s', async (emptyRun, FileType, text) => {
    await using setup = await setUp({ quirks: { emptyRun } as object });
    await setup.appflow.putFlow(inboundFlow({ format: { FileType } }));
    const run = await setup.appflow.runScheduled(FLOW);
    expect(run?.status).toBe('Successful');
    expect(Object.values(setup.aws.texts('data'))).toEqual(text === undefined ? [] : [text]);
  });

  test('a marker named like the execution', async () => {
    await using setup = await setUpWithContacts({}, { marker: 'zero-bytes' });
    const run = await setup.appflow.runScheduled(FLOW);
    const marker = Object.entries(setup.aws.texts('data')).find(([key]) => key.endsWith(`/${run?.executionId}`));
    expect(marker?.[1]).toBe('');
  });
});

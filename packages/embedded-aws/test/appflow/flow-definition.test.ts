import { describe, expect, test } from 'vitest';
import { parseFlow } from '../../appflow/flows/flow-definition.ts';
import { AwsError } from '../../service.ts';
import { setUp } from './appflow-setup.ts';
import { INBOUND_FIELDS, inboundFlow, mapTasks, OUTBOUND_FIELDS, outboundFlow } from './flow-templates.ts';

function faultsOf(properties: unknown): readonly string[] {
  try {
    parseFlow(properties);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    expect(error.code).toBe('ValidationException');
    return error.details.faults as string[];
  }
  return [];
}

const [projection, ...maps] = mapTasks('Salesforce', INBOUND_FIELDS);
const salesforceTask = (task: object) => ({
  SourceFields: ['Id'],
  ConnectorOperator: { Salesforce: 'NO_OP' },
  ...task,
});

describe('a flow definition', () => {
  test('of a template is read in both directions', () => {
    expect(parseFlow(inboundFlow({ trigger: { ScheduleOffset: 60 } }))).toMatchObject({
      direction: 'inbound',
      profileName: 'org',
      object: 'Contact',
      incrementalField: 'SystemModstamp',
      bucket: 'data',
      prefix: 'salesforce/Contact',
      trigger: { incremental: true, offsetSeconds: 60, deactivationThreshold: undefined },
    });
    expect(parseFlow(outboundFlow())).toMatchObject({
      direction: 'outbound',
      prefix: 'outbound/Contact',
      operation: 'UPDATE',
      errorPrefix: 'appflow-errors',
      failOnFirstError: false,
    });
  });

  test.each<[string, object, RegExp]>([
    ['an unknown property', { ...inboundFlow(), Colour: 'red' }, /^Colour: extraneous key/],
    ['a missing one', { ...inboundFlow(), Tasks: undefined }, /^Tasks: /],
    ['a name with blanks', { ...inboundFlow(), FlowName: 'my flow' }, /^FlowName: must match/],
    [
      "EventBridge's spelling of a rate",
      inboundFlow({ trigger: { ScheduleExpression: 'rate(1 minute)' } }),
      /rate\(<n>minutes\)/,
    ],
    [
      'a rate below a minute',
      inboundFlow({ trigger: { ScheduleExpression: 'rate(0minutes)' } }),
      /at most once a minute/,
    ],
    ['too large an offset', inboundFlow({ trigger: { ScheduleOffset: 36_001 } }), /ScheduleOffset/],
    [
      'a threshold of 0',
      inboundFlow({ trigger: { FlowErrorDeactivationThreshold: 0 } }),
      /FlowErrorDeactivationThreshold/,
    ],
    ['Parquet', inboundFlow({ format: { FileType: 'PARQUET' } }), /PARQUET is not written here/],
    [
      'the prefix type of the L2 library',
      inboundFlow({ format: { PrefixConfig: { PrefixType: 'PATH_AND_FILE' } } }),
      /PrefixType/,
    ],
    ['a projection that is missing', inboundFlow({ tasks: maps }), /first task must be a Filter PROJECTION/],
    ['a projection that is not first', inboundFlow({ tasks: [...maps, projection ?? {}] }), /first task must be/],
    [
      'a field that is read but not projected',
      inboundFlow({ tasks: [{ ...projection, SourceFields: ['Id'] }, ...maps] }),
      /not listed: LastName, Amount__c, IsDeleted, SystemModstamp/,
    ],
    [
      'an operator keyed by the destination',
      inboundFlow({ tasks: mapTasks('S3', INBOUND_FIELDS) }),
      /keyed by the source connector, Salesforce; seen: S3/,
    ],
    [
      'an operator of another task type',
      inboundFlow({
        tasks: [
          projection ?? {},
          ...maps,
          salesforceTask({ TaskType: 'Validate', TaskProperties: [{ Key: 'VALIDATION_ACTION', Value: 'DropRecord' }] }),
        ],
      }),
      /Validate takes VALIDATE_NON_NULL/,
    ],
    [
      'a Map without data types',
      inboundFlow({ tasks: [projection ?? {}, salesforceTask({ TaskType: 'Map', DestinationField: 'Id' })] }),
      /Map needs DESTINATION_DATA_TYPE/,
    ],
    [
      'a field mapped twice',
      inboundFlow({ tasks: [projection ?? {}, ...maps, ...maps] }),
      /LastName is mapped more than once/,
    ],
    ['nothing to transfer', inboundFlow({ tasks: [projection ?? {}] }), /nothing would be transferred/],
    [
      'a task type not executed here',
      inboundFlow({ tasks: [projection ?? {}, ...maps, salesforceTask({ TaskType: 'Merge' })] }),
      /Merge is not executed here/,
    ],
    [
      'an UPSERT without its field',
      outboundFlow({ salesforce: { WriteOperationType: 'UPSERT', IdFieldNames: [] } }),
      /exactly one external id/,
    ],
    [
      'an UPSERT by Id',
      outboundFlow({ salesforce: { WriteOperationType: 'UPSERT' } }),
      /UPSERT matches by an external id/,
    ],
    [
      'an UPDATE by another field',
      outboundFlow({ salesforce: { IdFieldNames: ['Key__c'] } }),
      /UPDATE matches by the record Id only/,
    ],
    [
      'an UPDATE whose Id is not mapped',
      outboundFlow({ fields: OUTBOUND_FIELDS.slice(1) }),
      /UPDATE needs a Map task with destination field Id/,
    ],
    ['a missing source prefix', dropPrefix(), /BucketPrefix/],
  ])('is refused for %s', (_, properties, fault) => {
    expect(faultsOf(properties)).toContainEqual(expect.stringMatching(fault));
  });

  test('reports all its faults at once, the missing connector profile among them', async () => {
    await using setup = await setUp();
    const flow = inboundFlow({ trigger: { ScheduleExpression: 'rate(1 minute)' }, tasks: maps });
    flow.SourceFlowConfig.ConnectorProfileName = 'unknown';
    const refused = await setup.appflow.putFlow(flow).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(AwsError);
    const { message } = refused as AwsError;
    expect(message).toMatch(/^Flow contact-in cannot be created:/);
    expect(message).toContain('connector profile unknown cannot be used');
    expect(message).toContain('rate(<n>minutes)');
    expect(message).toContain('first task must be a Filter PROJECTION');
  });
});

function dropPrefix(): object {
  const flow = outboundFlow();
  const { BucketPrefix: _, ...s3 } = flow.SourceFlowConfig.SourceConnectorProperties.S3;
  return { ...flow, SourceFlowConfig: { ConnectorType: 'S3', SourceConnectorProperties: { S3: s3 } } };
}

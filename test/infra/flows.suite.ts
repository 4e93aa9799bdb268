import { describe, expect, test } from 'vitest';
import { outgoingFields } from '../../core/mapping/configuration.ts';
import configuration from '../../examples/lender/sync.config.ts';
import type { Assembly } from './assembly.ts';

interface FlowTask {
  readonly TaskType: string;
  readonly SourceFields: readonly string[];
  readonly ConnectorOperator: Readonly<Record<string, string>>;
  readonly DestinationField?: string;
  readonly TaskProperties?: readonly { readonly Key: string; readonly Value: string }[];
}

/** The flows' properties: AppFlow has many defaults, most of them wrong for us. */
export function describeFlows({ template, resources }: Assembly): void {
  const flowOf = (name: string) => {
    const flow = resources('AWS::AppFlow::Flow').find(([, { Properties }]) => Properties.FlowName === name);
    if (flow === undefined) throw new Error(`there is no flow ${name}`);
    return flow[1];
  };
  const bucket = { Ref: expect.stringMatching(/^StorageBucket/) };

  describe.each(configuration.objects)('the flows of $object', (mapping) => {
    const { object } = mapping;
    const inbound = flowOf(`sfsync-salesforce-to-postgres-${object}`);
    const outbound = flowOf(`sfsync-postgres-to-salesforce-${object}`);

    test('inbound: every minute what changed, deleted records included, as JSON into a folder for each run', () => {
      expect(inbound.Properties).toMatchObject({
        FlowStatus: 'Active',
        TriggerConfig: {
          TriggerType: 'Scheduled',
          TriggerProperties: { DataPullMode: 'Incremental', ScheduleExpression: 'rate(1minutes)', ScheduleOffset: 0 },
        },
        SourceFlowConfig: {
          ConnectorType: 'Salesforce',
          ConnectorProfileName: { Ref: 'SalesforceConnectionName' },
          IncrementalPullConfig: { DatetimeTypeFieldName: 'SystemModstamp' },
          SourceConnectorProperties: {
            Salesforce: { Object: object, IncludeDeletedRecords: true, DataTransferApi: 'REST_SYNC' },
          },
        },
        DestinationFlowConfigList: [
          {
            ConnectorType: 'S3',
            DestinationConnectorProperties: {
              S3: {
                BucketName: bucket,
                BucketPrefix: `salesforce/${object}`,
                S3OutputFormatConfig: {
                  FileType: 'JSON',
                  PrefixConfig: { PrefixType: 'PATH', PathPrefixHierarchy: ['EXECUTION_ID'] },
                  AggregationConfig: { AggregationType: 'None' },
                },
              },
            },
          },
        ],
      });
    });

    test('outbound: on demand, one CSV into updates by Id, failures left to the read-back', () => {
      expect(outbound.Properties).toMatchObject({
        FlowStatus: 'Active',
        TriggerConfig: { TriggerType: 'OnDemand' },
        SourceFlowConfig: {
          ConnectorType: 'S3',
          SourceConnectorProperties: {
            S3: {
              BucketName: bucket,
              BucketPrefix: `outbound/${object}.d`,
              S3InputFormatConfig: { S3InputFileType: 'CSV' },
            },
          },
        },
        DestinationFlowConfigList: [
          {
            ConnectorType: 'Salesforce',
            ConnectorProfileName: { Ref: 'SalesforceConnectionName' },
            DestinationConnectorProperties: {
              Salesforce: {
                Object: object,
                WriteOperationType: 'UPDATE',
                IdFieldNames: ['Id'],
                DataTransferApi: 'REST_SYNC',
                ErrorHandlingConfig: {
                  BucketName: bucket,
                  BucketPrefix: `appflow-errors/${object}`,
                  FailOnFirstError: false,
                },
              },
            },
          },
        ],
      });
      expect(outbound.Properties.TriggerConfig).not.toHaveProperty('TriggerProperties');
    });

    const own = object === 'Opportunity' ? ['External_Id__c'] : ['MasterRecordId'];
    const system = ['Id', 'IsDeleted', 'SystemModstamp', ...own];
    test.each([
      ['inbound', inbound, 'Salesforce', [...system, ...mapping.fields.map(({ field }) => field)]],
      ['outbound', outbound, 'S3', ['Id', ...outgoingFields(mapping).map(({ field }) => field)]],
    ] as const)('%s carries just the mapped fields, each under its own name', (_, flow, source, fields) => {
      const tasks = flow.Properties.Tasks as readonly FlowTask[];
      expect(tasks[0]).toEqual({
        TaskType: 'Filter',
        SourceFields: fields,
        ConnectorOperator: { [source]: 'PROJECTION' },
      });
      const maps = tasks.filter(({ TaskType }) => TaskType === 'Map');
      expect(maps.map(({ DestinationField }) => DestinationField)).toEqual(fields);
      for (const { SourceFields, DestinationField, ConnectorOperator, TaskProperties } of maps) {
        expect(SourceFields).toEqual([DestinationField]);
        expect(ConnectorOperator).toEqual({ [source]: 'NO_OP' });
        expect(TaskProperties?.map(({ Key }) => Key)).toEqual(['SOURCE_DATA_TYPE', 'DESTINATION_DATA_TYPE']);
      }
      expect(tasks.at(-1)).toMatchObject({
        TaskType: 'Validate',
        SourceFields: ['Id'],
        ConnectorOperator: { [source]: 'VALIDATE_NON_NULL' },
        TaskProperties: [{ Key: 'VALIDATION_ACTION', Value: 'DropRecord' }],
      });
      expect(tasks).toHaveLength(fields.length + 2);
    });

    test.each([inbound, outbound])('wait for the bucket policy', ({ DependsOn }) => {
      expect([DependsOn].flat()).toContainEqual(expect.stringMatching(/^StorageBucketPolicy/));
    });
  });

  test('types are passed on as Salesforce names them', () => {
    const types = new Map(
      (flowOf('sfsync-salesforce-to-postgres-Opportunity').Properties.Tasks as readonly FlowTask[]).flatMap((task) => {
        const type = task.TaskProperties?.find(({ Key }) => Key === 'SOURCE_DATA_TYPE')?.Value;
        return type === undefined ? [] : [[task.DestinationField, type] as const];
      }),
    );
    expect(Object.fromEntries(types)).toMatchObject({
      Id: 'id',
      IsDeleted: 'boolean',
      SystemModstamp: 'datetime',
      Name: 'string',
      Amount: 'double',
      CloseDate: 'date',
      AccountId: 'reference',
      Purposes__c: 'multipicklist',
    });
    template.resourceCountIs('AWS::AppFlow::Flow', 6);
  });
}

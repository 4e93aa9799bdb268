/** Properties of flows as the templates spell them. Each test changes what it is about. */

interface Mapping {
  readonly field: string;
  readonly type?: string;
  readonly to?: string;
}

export function mapTasks(connector: 'Salesforce' | 'S3', mappings: readonly Mapping[]) {
  return [
    {
      TaskType: 'Filter',
      SourceFields: mappings.map(({ field }) => field),
      ConnectorOperator: { [connector]: 'PROJECTION' },
    },
    ...mappings.map(({ field, type = 'string', to = field }) => ({
      TaskType: 'Map',
      SourceFields: [field],
      DestinationField: to,
      ConnectorOperator: { [connector]: 'NO_OP' },
      TaskProperties: [
        { Key: 'SOURCE_DATA_TYPE', Value: type },
        { Key: 'DESTINATION_DATA_TYPE', Value: type },
      ],
    })),
  ];
}

export const INBOUND_FIELDS: readonly Mapping[] = [
  { field: 'Id', type: 'id' },
  { field: 'LastName' },
  { field: 'Amount__c', type: 'double' },
  { field: 'IsDeleted', type: 'boolean' },
  { field: 'SystemModstamp', type: 'datetime' },
];

export interface InboundOptions {
  readonly salesforce?: object;
  readonly trigger?: object;
  readonly format?: object;
  readonly tasks?: readonly object[];
  readonly status?: string | undefined;
}

/** Contacts from Salesforce into `s3://data/salesforce/Contact`, every minute, incremental. */
export function inboundFlow(options: InboundOptions = {}) {
  const { salesforce, trigger, format, tasks = mapTasks('Salesforce', INBOUND_FIELDS) } = options;
  const status = 'status' in options ? options.status : 'Active';
  return {
    FlowName: 'contact-in',
    ...(status === undefined ? {} : { FlowStatus: status }),
    SourceFlowConfig: {
      ConnectorType: 'Salesforce',
      ConnectorProfileName: 'org',
      IncrementalPullConfig: { DatetimeTypeFieldName: 'SystemModstamp' },
      SourceConnectorProperties: {
        Salesforce: { Object: 'Contact', DataTransferApi: 'REST_SYNC', IncludeDeletedRecords: true, ...salesforce },
      },
    },
    DestinationFlowConfigList: [
      {
        ConnectorType: 'S3',
        DestinationConnectorProperties: {
          S3: {
            BucketName: 'data',
            BucketPrefix: 'salesforce/Contact',
            S3OutputFormatConfig: {
              FileType: 'JSON',
              AggregationConfig: { AggregationType: 'None' },
              PrefixConfig: { PrefixType: 'PATH', PrefixFormat: 'DAY', PathPrefixHierarchy: ['EXECUTION_ID'] },
              ...format,
            },
          },
        },
      },
    ],
    TriggerConfig: {
      TriggerType: 'Scheduled',
      TriggerProperties: { ScheduleExpression: 'rate(1minutes)', DataPullMode: 'Incremental', ...trigger },
    },
    Tasks: tasks,
  };
}

export const OUTBOUND_FIELDS: readonly Mapping[] = [
  { field: 'Id', type: 'id' },
  { field: 'LastName' },
  { field: 'Amount__c', type: 'double' },
  { field: 'Active__c', type: 'boolean' },
];

export interface OutboundOptions {
  readonly salesforce?: object;
  readonly fileType?: 'CSV' | 'JSON';
  readonly fields?: readonly Mapping[];
}

/** Rows of `s3://data/outbound/Contact` into Salesforce, on demand. */
export function outboundFlow({ salesforce, fileType = 'CSV', fields = OUTBOUND_FIELDS }: OutboundOptions = {}) {
  return {
    FlowName: 'contact-out',
    SourceFlowConfig: {
      ConnectorType: 'S3',
      SourceConnectorProperties: {
        S3: {
          BucketName: 'data',
          BucketPrefix: 'outbound/Contact',
          S3InputFormatConfig: { S3InputFileType: fileType },
        },
      },
    },
    DestinationFlowConfigList: [
      {
        ConnectorType: 'Salesforce',
        ConnectorProfileName: 'org',
        DestinationConnectorProperties: {
          Salesforce: {
            Object: 'Contact',
            WriteOperationType: 'UPDATE',
            IdFieldNames: ['Id'],
            DataTransferApi: 'REST_SYNC',
            ErrorHandlingConfig: { BucketName: 'data', BucketPrefix: 'appflow-errors', FailOnFirstError: false },
            ...salesforce,
          },
        },
      },
    ],
    TriggerConfig: { TriggerType: 'OnDemand' },
    Tasks: mapTasks('S3', fields),
  };
}

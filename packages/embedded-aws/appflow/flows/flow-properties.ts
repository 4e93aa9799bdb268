import { z } from 'zod';

/**
 * `AWS::AppFlow::Flow` as a CloudFormation template spells it (PascalCase; five places differ from the API, see
 * flow-description.ts). Unknown properties are refused, as CloudFormation does ("extraneous key").
 */
const Tag = z.strictObject({ Key: z.string(), Value: z.string() });

const Task = z.strictObject({
  TaskType: z.enum([
    'Arithmetic',
    'Filter',
    'Map',
    'Map_all',
    'Mask',
    'Merge',
    'Passthrough',
    'Truncate',
    'Validate',
    'Partition',
  ]),
  SourceFields: z.array(z.string().min(1)),
  ConnectorOperator: z.record(z.string(), z.string()).optional(),
  DestinationField: z.string().optional(),
  TaskProperties: z
    .array(
      z.strictObject({
        Key: z.enum([
          'CONCAT_FORMAT',
          'DATA_TYPE',
          'DESTINATION_DATA_TYPE',
          'EXCLUDE_SOURCE_FIELDS_LIST',
          'INCLUDE_NEW_FIELDS',
          'LOWER_BOUND',
          'MASK_LENGTH',
          'MASK_VALUE',
          'MATH_OPERATION_FIELDS_ORDER',
          'ORDERED_PARTITION_KEYS_LIST',
          'SOURCE_DATA_TYPE',
          'SUBFIELD_CATEGORY_MAP',
          'TRUNCATE_LENGTH',
          'UPPER_BOUND',
          'VALIDATION_ACTION',
          'VALUE',
          'VALUES',
        ]),
        Value: z.string(),
      }),
    )
    .optional(),
});

const BucketName = z.string().min(3).max(63);
const DataTransferApi = z.enum(['AUTOMATIC', 'BULKV2', 'REST_SYNC']);
const ProfileName = z.string().regex(/^[\w/!@#+=.-]+$/);

const SalesforceSource = z.strictObject({
  ConnectorType: z.literal('Salesforce'),
  ApiVersion: z.string().optional(),
  ConnectorProfileName: ProfileName,
  IncrementalPullConfig: z.strictObject({ DatetimeTypeFieldName: z.string().optional() }).optional(),
  SourceConnectorProperties: z.strictObject({
    Salesforce: z.strictObject({
      Object: z.string().min(1),
      DataTransferApi: DataTransferApi.optional(),
      EnableDynamicFieldUpdate: z.boolean().optional(),
      IncludeDeletedRecords: z.boolean().optional(),
    }),
  }),
});

const S3Source = z.strictObject({
  ConnectorType: z.literal('S3'),
  SourceConnectorProperties: z.strictObject({
    S3: z.strictObject({
      BucketName,
      BucketPrefix: z.string().min(1),
      S3InputFormatConfig: z.strictObject({ S3InputFileType: z.enum(['CSV', 'JSON']).optional() }).optional(),
    }),
  }),
});

const S3Destination = z.strictObject({
  ConnectorType: z.literal('S3'),
  DestinationConnectorProperties: z.strictObject({
    S3: z.strictObject({
      BucketName,
      BucketPrefix: z.string().optional(),
      S3OutputFormatConfig: z
        .strictObject({
          AggregationConfig: z
            .strictObject({
              AggregationType: z.enum(['None', 'SingleFile']).optional(),
              TargetFileSize: z.number().int().positive().optional(),
            })
            .optional(),
          FileType: z.enum(['CSV', 'JSON', 'PARQUET']).optional(),
          PrefixConfig: z
            .strictObject({
              PathPrefixHierarchy: z.array(z.enum(['EXECUTION_ID', 'SCHEMA_VERSION'])).optional(),
              PrefixFormat: z.enum(['YEAR', 'MONTH', 'DAY', 'HOUR', 'MINUTE']).optional(),
              PrefixType: z.enum(['FILENAME', 'PATH', 'PATH_AND_FILENAME']).optional(),
            })
            .optional(),
          PreserveSourceDataTyping: z.boolean().optional(),
        })
        .optional(),
    }),
  }),
});

const SalesforceDestination = z.strictObject({
  ConnectorType: z.literal('Salesforce'),
  ApiVersion: z.string().optional(),
  ConnectorProfileName: ProfileName,
  DestinationConnectorProperties: z.strictObject({
    Salesforce: z.strictObject({
      Object: z.string().min(1),
      DataTransferApi: DataTransferApi.optional(),
      ErrorHandlingConfig: z
        .strictObject({
          BucketName: BucketName.optional(),
          BucketPrefix: z.string().optional(),
          FailOnFirstError: z.boolean().optional(),
        })
        .optional(),
      IdFieldNames: z.array(z.string().min(1)).optional(),
      WriteOperationType: z.enum(['INSERT', 'UPDATE', 'UPSERT', 'DELETE']).optional(),
    }),
  }),
});

const TriggerConfig = z.strictObject({
  TriggerType: z.enum(['OnDemand', 'Scheduled', 'Event']),
  TriggerProperties: z
    .strictObject({
      DataPullMode: z.enum(['Incremental', 'Complete']).optional(),
      FirstExecutionFrom: z.number().optional(),
      FlowErrorDeactivationThreshold: z.number().int().min(1).max(100).optional(),
      ScheduleEndTime: z.number().optional(),
      ScheduleExpression: z.string(),
      ScheduleOffset: z.number().int().min(0).max(36_000).optional(),
      ScheduleStartTime: z.number().optional(),
      TimeZone: z.string().optional(),
    })
    .optional(),
});

/** Each top-level property has its own schema, so that the faults of all of them can be listed at once. */
export const FLOW_PROPERTY_SCHEMAS = {
  FlowName: z.string().regex(/^[a-zA-Z0-9][\w!@#.-]+$/, 'must match [a-zA-Z0-9][\\w!@#.-]+'),
  Description: z.string().max(2048).optional(),
  FlowStatus: z.enum(['Active', 'Suspended']).optional(),
  KMSArn: z.string().optional(),
  SourceFlowConfig: z.discriminatedUnion('ConnectorType', [SalesforceSource, S3Source]),
  DestinationFlowConfigList: z
    .array(z.discriminatedUnion('ConnectorType', [S3Destination, SalesforceDestination]))
    .length(1),
  TriggerConfig,
  Tasks: z.array(Task).min(1),
  Tags: z.array(Tag).optional(),
} as const;

export type FlowProperties = {
  readonly [Key in keyof typeof FLOW_PROPERTY_SCHEMAS]: z.infer<(typeof FLOW_PROPERTY_SCHEMAS)[Key]>;
};
export type TaskProperties = z.infer<typeof Task>;
export type SourceProperties = FlowProperties['SourceFlowConfig'];
export type DestinationProperties = FlowProperties['DestinationFlowConfigList'][number];
export type TriggerProperties = FlowProperties['TriggerConfig'];

/** Reads the properties one by one. What is wrong goes to `faults`; what is right is in the answer. */
export function readFlowProperties(input: unknown, faults: string[]): Partial<FlowProperties> {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    faults.push('Properties: must be an object');
    return {};
  }
  const values = new Map(Object.entries(input));
  for (const name of values.keys()) {
    if (!(name in FLOW_PROPERTY_SCHEMAS)) faults.push(`${name}: extraneous key is not permitted`);
  }
  const read: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(FLOW_PROPERTY_SCHEMAS)) {
    const parsed = schema.safeParse(values.get(name));
    if (parsed.success) {
      if (parsed.data !== undefined) read[name] = parsed.data;
      continue;
    }
    if (!values.has(name)) {
      faults.push(`${name}: required key not found`);
      continue;
    }
    for (const issue of parsed.error.issues) faults.push(`${[name, ...issue.path].join('.')}: ${issue.message}`);
  }
  return read as Partial<FlowProperties>;
}

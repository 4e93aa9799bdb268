import { Stack } from 'aws-cdk-lib';
import { CfnFlow } from 'aws-cdk-lib/aws-appflow';
import { Construct } from 'constructs';
import { INBOUND_PREFIX } from '../core/contracts/storage-layout.ts';
import type { ObjectMapping } from '../core/mapping/configuration.ts';
import { text } from '../core/mapping/field-types/text.ts';
import { deletedFields, systemFields } from '../core/mapping/object-ways.ts';
import type { Deployment } from './deployment.ts';
import { type FlowField, flowField, flowTasks } from './flow-tasks.ts';
import type { Storage } from './storage.ts';

export interface InboundFlowProps {
  readonly deployment: Deployment;
  readonly mapping: ObjectMapping;
  readonly connectionName: string;
  readonly storage: Storage;
}

/** The scheduled flow that writes what changed in Salesforce, deleted records included, to `salesforce/<Object>/`. */
export class InboundFlow extends Construct {
  readonly flowName: string;
  readonly flowArn: string;

  constructor(scope: Construct, id: string, { deployment, mapping, connectionName, storage }: InboundFlowProps) {
    super(scope, id);
    const { object, recycleBin, stampField } = mapping;
    this.flowName = `${deployment.name}-salesforce-to-postgres-${object}`;
    this.flowArn = Stack.of(this).formatArn({ service: 'appflow', resource: 'flow', resourceName: this.flowName });
    const flow = new CfnFlow(this, 'Flow', {
      flowName: this.flowName,
      description: `Changed ${object} records to S3, for salesforce-to-postgres`,
      // Without a status CloudFormation leaves a scheduled flow as a draft that never runs.
      flowStatus: 'Active',
      triggerConfig: {
        triggerType: 'Scheduled',
        triggerProperties: {
          dataPullMode: 'Incremental',
          // AppFlow's own spelling: no blank, and the plural even for one.
          scheduleExpression: `rate(${deployment.configuration.settings.pollEveryMinutes}minutes)`,
          scheduleOffset: 0,
        },
      },
      sourceFlowConfig: {
        connectorType: 'Salesforce',
        connectorProfileName: connectionName,
        incrementalPullConfig: { datetimeTypeFieldName: stampField },
        sourceConnectorProperties: {
          // Bulk would spell dates and nulls in another way from a million records on.
          salesforce: { object, includeDeletedRecords: recycleBin, dataTransferApi: 'REST_SYNC' },
        },
      },
      destinationFlowConfigList: [
        {
          connectorType: 'S3',
          destinationConnectorProperties: {
            s3: {
              bucketName: storage.bucket.bucketName,
              bucketPrefix: `${INBOUND_PREFIX}${object}`,
              s3OutputFormatConfig: {
                fileType: 'JSON',
                prefixConfig: { prefixType: 'PATH', pathPrefixHierarchy: ['EXECUTION_ID'] },
                aggregationConfig: { aggregationType: 'None' },
              },
            },
          },
        },
      ],
      tasks: flowTasks('salesforce', carriedFields(mapping)),
    });
    flow.node.addDependency(storage.policy);
  }
}

const SYSTEM_TYPES: Readonly<Record<string, string>> = { Id: 'id', IsDeleted: 'boolean' };

/** Each once: the stamp of an object may be one of its mapped fields. */
function carriedFields(mapping: ObjectMapping): FlowField[] {
  const { externalIdField } = mapping;
  const fields: FlowField[] = [
    ...systemFields(mapping).map((name) => ({ name, type: SYSTEM_TYPES[name] ?? 'datetime' })),
    ...deletedFields(mapping).map((name) => ({ name, type: 'reference' })),
    ...(externalIdField === undefined ? [] : [flowField({ field: externalIdField, type: text })]),
    ...mapping.fields.map(flowField),
  ];
  return [...new Map(fields.map((field) => [field.name, field])).values()];
}

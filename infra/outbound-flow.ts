import { Stack } from 'aws-cdk-lib';
import { CfnFlow } from 'aws-cdk-lib/aws-appflow';
import { Construct } from 'constructs';
import { APPFLOW_ERRORS_PREFIX, outboundFolder } from '../core/contracts/storage-layout.ts';
import { type ObjectMapping, outgoingFields } from '../core/mapping/configuration.ts';
import type { Deployment } from './deployment.ts';
import { flowField, flowTasks, ID_FIELD } from './flow-tasks.ts';
import type { Storage } from './storage.ts';

export interface OutboundFlowProps {
  readonly deployment: Deployment;
  readonly mapping: ObjectMapping;
  readonly connectionName: string;
  readonly storage: Storage;
}

/** The on-demand flow that updates Salesforce from the one CSV in the object's folder. */
export class OutboundFlow extends Construct {
  readonly flowName: string;
  readonly flowArn: string;

  constructor(scope: Construct, id: string, { deployment, mapping, connectionName, storage }: OutboundFlowProps) {
    super(scope, id);
    const { object } = mapping;
    this.flowName = `${deployment.name}-postgres-to-salesforce-${object}`;
    this.flowArn = Stack.of(this).formatArn({ service: 'appflow', resource: 'flow', resourceName: this.flowName });
    const { bucketName } = storage.bucket;
    const flow = new CfnFlow(this, 'Flow', {
      flowName: this.flowName,
      description: `Changed ${object} rows to Salesforce, for postgres-to-salesforce`,
      flowStatus: 'Active',
      triggerConfig: { triggerType: 'OnDemand' },
      sourceFlowConfig: {
        connectorType: 'S3',
        sourceConnectorProperties: {
          s3: {
            bucketName,
            bucketPrefix: outboundFolder(object),
            s3InputFormatConfig: { s3InputFileType: 'CSV' },
          },
        },
      },
      destinationFlowConfigList: [
        {
          connectorType: 'Salesforce',
          connectorProfileName: connectionName,
          destinationConnectorProperties: {
            salesforce: {
              object,
              writeOperationType: 'UPDATE',
              idFieldNames: ['Id'],
              // Bulk, from a thousand rows on, has another shape of errors and other rules for nulls.
              dataTransferApi: 'REST_SYNC',
              // One refused row must not keep the others; it is found by the read-back.
              errorHandlingConfig: {
                bucketName,
                bucketPrefix: `${APPFLOW_ERRORS_PREFIX}${object}`,
                failOnFirstError: false,
              },
            },
          },
        },
      ],
      tasks: flowTasks('s3', [ID_FIELD, ...outgoingFields(mapping).map(flowField)]),
    });
    flow.node.addDependency(storage.policy);
  }
}

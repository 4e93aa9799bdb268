import { Stack, type StackProps, Validations } from 'aws-cdk-lib';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { declareParameters } from './parameters.ts';
import { SalesforcePostgresSync, type SalesforcePostgresSyncProps } from './salesforce-postgres-sync.ts';

/** The mapping, and what may differ from the defaults; network, database and org are parameters of the template. */
export interface SyncStackProps
  extends StackProps,
    Pick<SalesforcePostgresSyncProps, 'configuration' | 'configurationFile' | 'name' | 'alarms' | 'logRetention'> {}

/** `SalesforcePostgresSync` for a network, a database and an org that are named when the stack is deployed. */
export class SyncStack extends Stack {
  readonly sync: SalesforcePostgresSync;

  constructor(scope: Construct, id: string, props: SyncStackProps) {
    super(scope, id, { description: 'sfsync: keeps Salesforce and PostgreSQL in step, both ways', ...props });
    const parameters = declareParameters(this);
    Validations.of(this).acknowledge({ id: 'CloudFormation-Validate::W2509', reason: 'The ARN of a secret is none' });
    const given = new Construct(this, 'DatabaseAccess');
    const secret = (id: string, arn: string) => Secret.fromSecretCompleteArn(given, id, arn);
    // "Default" leaves the names of the resources as they would be without the construct.
    this.sync = new SalesforcePostgresSync(this, 'Default', {
      ...props,
      // The list of subnets is one token, of unknown length: one "zone" holds it, and it is rendered as the whole list.
      vpc: Vpc.fromVpcAttributes(given, 'Vpc', {
        vpcId: parameters.vpcId,
        availabilityZones: ['any'],
        privateSubnetIds: parameters.privateSubnetIds,
      }),
      database: {
        securityGroup: SecurityGroup.fromSecurityGroupId(given, 'Database', parameters.databaseSecurityGroupId, {
          mutable: false,
        }),
        functionsSecret: secret('FunctionsSecret', parameters.databaseSecretArn),
        streamerSecret: secret('StreamerSecret', parameters.streamerSecretArn),
      },
      salesforce: {
        secret: secret('SalesforceSecret', parameters.salesforceSecretArn),
        connectionName: parameters.salesforceConnectionName,
      },
    });
  }
}

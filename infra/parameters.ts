import { CfnParameter, type Stack } from 'aws-cdk-lib';

/** What exists before sfsync and belongs to the account: the network, the database, the secrets, the connection. */
export interface Parameters {
  readonly vpcId: string;
  /** A token for the whole list. */
  readonly privateSubnetIds: string[];
  readonly databaseSecurityGroupId: string;
  readonly salesforceConnectionName: string;
  readonly databaseSecretArn: string;
  readonly streamerSecretArn: string;
  readonly salesforceSecretArn: string;
}

const SECRET_ARN = {
  allowedPattern: '^arn:[^:]+:secretsmanager:.+$',
  constraintDescription: 'must be the complete ARN of a secret, with its six-character suffix',
};
const DATABASE_SECRET = 'JSON {host, port, dbname, username, password}';

/** Declares the stack's parameters; their names are part of the contract with the operator. */
export function declareParameters(stack: Stack): Parameters {
  const text = (id: string, description: string, further: object = {}) =>
    new CfnParameter(stack, id, { type: 'String', description, ...further }).valueAsString;
  return {
    vpcId: text('VpcId', 'VPC of the database', { type: 'AWS::EC2::VPC::Id' }),
    privateSubnetIds: new CfnParameter(stack, 'PrivateSubnetIds', {
      type: 'List<AWS::EC2::Subnet::Id>',
      description:
        'Private subnets that reach the database and, by NAT or interface endpoints, S3, SQS, EventBridge, Step Functions, Secrets Manager, CloudWatch Logs and ECR',
    }).valueAsList,
    databaseSecurityGroupId: text('DatabaseSecurityGroupId', 'Security group of the database; gets a rule for 5432', {
      type: 'AWS::EC2::SecurityGroup::Id',
    }),
    salesforceConnectionName: text(
      'SalesforceConnectionName',
      'AppFlow connection to the Salesforce org, made in the AppFlow console (its OAuth needs a person)',
    ),
    databaseSecretArn: text(
      'DatabaseSecretArn',
      `Secret of the role that the Lambdas use: ${DATABASE_SECRET}`,
      SECRET_ARN,
    ),
    streamerSecretArn: text('StreamerSecretArn', `Secret of the streamer's role: ${DATABASE_SECRET}`, SECRET_ARN),
    salesforceSecretArn: text(
      'SalesforceSecretArn',
      'Secret for the Salesforce API: JSON {instanceUrl, clientId, clientSecret, refreshToken?}',
      SECRET_ARN,
    ),
  };
}

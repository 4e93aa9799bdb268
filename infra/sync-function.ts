import { type Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Architecture, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { NAME_VARIABLE } from '../core/contracts/deployment-name.ts';
import type { FunctionEntry } from './bundles.ts';
import type { DatabaseAccess } from './database-access.ts';
import type { Deployment } from './deployment.ts';

export interface SyncFunctionProps {
  readonly deployment: Deployment;
  readonly entry: FunctionEntry;
  readonly description: string;
  readonly timeout: Duration;
  /** @default 512 */
  readonly memorySize?: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** Set for a function that talks to PostgreSQL: it joins the VPC and may read the functions' secret. */
  readonly database?: DatabaseAccess;
  /** @default no limit of its own */
  readonly reservedConcurrentExecutions?: number;
  /** Where events go that an asynchronous caller's function never managed to work on. @default none */
  readonly deadLetterQueue?: IQueue;
}

/** A Lambda of sfsync: one runtime, one architecture, one log group with an end, the environment that all of them share. */
export class SyncFunction extends LambdaFunction {
  constructor(scope: Construct, id: string, props: SyncFunctionProps) {
    const { deployment, entry, database, environment, memorySize = 512, ...further } = props;
    super(scope, id, {
      ...further,
      code: deployment.code.code(entry),
      handler: 'index.handler',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize,
      environment: {
        [NAME_VARIABLE]: deployment.name,
        POWERTOOLS_SERVICE_NAME: deployment.name,
        POWERTOOLS_LOG_LEVEL: 'INFO',
        NODE_OPTIONS: '--enable-source-maps',
        ...(database && { DATABASE_SECRET_ARN: database.functionsSecret.secretArn }),
        ...environment,
      },
      logGroup: new LogGroup(scope, `${id}Logs`, {
        retention: deployment.logRetention,
        removalPolicy: RemovalPolicy.DESTROY,
      }),
      ...(database && { vpc: database.vpc, vpcSubnets: database.subnets, securityGroups: [database.securityGroup] }),
    });
    database?.functionsSecret.grantRead(this);
  }
}

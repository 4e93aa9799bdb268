import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Grant } from 'aws-cdk-lib/aws-iam';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Pipeline } from '../core/contracts/dead-letters.ts';
import type { Deployment } from './deployment.ts';
import type { Operations } from './operations.ts';
import { SyncFunction } from './sync-function.ts';
import { SyncMachine } from './sync-machine.ts';

export interface RedrivesProps {
  readonly deployment: Deployment;
  readonly operations: Operations;
  /** By pipeline: where its failed executions wait. */
  readonly deadLetters: Readonly<Record<Pipeline, IQueue>>;
}

/** Executions that failed because something was away go on by themselves once it is back. */
export class Redrives extends Construct {
  constructor(scope: Construct, id: string, { deployment, operations, deadLetters }: RedrivesProps) {
    super(scope, id);
    const queues = Object.entries(deadLetters) as [Pipeline, IQueue][];
    const redrive = new SyncFunction(this, 'RedriveExecutions', {
      deployment,
      entry: 'redrive-executions',
      description: 'Redrives executions that failed because the database or AWS was away',
      timeout: Duration.minutes(5),
      environment: {
        FAILED_TO_POSTGRES_URL: deadLetters['salesforce-to-postgres'].queueUrl,
        FAILED_TO_SALESFORCE_URL: deadLetters['postgres-to-salesforce'].queueUrl,
      },
    });
    for (const [pipeline, queue] of queues) {
      queue.grantConsumeMessages(redrive);
      Grant.addToPrincipal({
        grantee: redrive,
        actions: ['states:DescribeExecution', 'states:RedriveExecution'],
        resourceArns: [SyncMachine.executionsArn(this, deployment, pipeline)],
      });
    }
    const { redriveEveryMinutes } = deployment.configuration.settings;
    if (redriveEveryMinutes === 0) return;
    new Rule(this, 'Schedule', {
      description: 'Looks whether failed executions can go on',
      schedule: Schedule.rate(Duration.minutes(redriveEveryMinutes)),
      targets: [
        new LambdaFunction(redrive, {
          deadLetterQueue: operations.undelivered,
          maxEventAge: Duration.hours(24),
          retryAttempts: 185,
        }),
      ],
    });
  }
}

/** AWS as the person at a terminal uses it: with their own credentials, and at the endpoint of their choice. */
import { AppflowClient } from '@aws-sdk/client-appflow';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SNSClient } from '@aws-sdk/client-sns';
import { SQSClient } from '@aws-sdk/client-sqs';
import { CHANGES_AVAILABLE } from '../core/contracts/change-message.ts';
import { DEFAULT_NAME } from '../core/contracts/deployment-name.ts';
import type { Message } from '../core/contracts/message.ts';
import type { AwsConnection } from './aws-connection.ts';
import { ObjectEvents } from './change-publisher.ts';
import { DeadLetterQueue } from './dead-letter-queue.ts';
import { type Deployment, readDeployment } from './deployment.ts';
import { Executions } from './executions.ts';
import { publish } from './notifications.ts';
import { Storage } from './storage.ts';

/** Longer than the client's own retries take. */
const ANNOUNCE_TIMEOUT_MS = 30_000;

export interface AwsAccountOptions {
  readonly connection: AwsConnection;
  readonly stackName: string;
  /** The deployment's name, source of its events. @default sfsync */
  readonly name?: string;
  /** How long a receive waits for the first message. @default 1 */
  readonly waitSeconds?: number;
}

export class AwsAccount {
  readonly executions: Executions;
  readonly #options: AwsAccountOptions;
  readonly #sqs: SQSClient;
  readonly #sns: SNSClient;
  readonly #s3: S3Client;
  readonly #events: EventBridgeClient;
  readonly appflow: AppflowClient;
  #deployment: Promise<Deployment> | undefined;

  constructor(options: AwsAccountOptions) {
    const { connection } = options;
    this.#options = options;
    this.executions = new Executions(new SFNClient(connection));
    this.#sqs = new SQSClient(connection);
    this.#sns = new SNSClient(connection);
    // An endpoint of one's own has no host name for each bucket.
    this.#s3 = new S3Client({ ...connection, forcePathStyle: connection.endpoint !== undefined });
    this.#events = new EventBridgeClient(connection);
    this.appflow = new AppflowClient(connection);
  }

  /** What the stack's outputs name; read once. Throws as `readDeployment` does. */
  deployment(): Promise<Deployment> {
    const { connection, stackName } = this.#options;
    this.#deployment ??= readDeployment(connection, stackName);
    return this.#deployment;
  }

  deadLetters(queueUrl: string): DeadLetterQueue {
    return new DeadLetterQueue(queueUrl, this.#sqs, this.#options.waitSeconds);
  }

  storage(bucket: string): Storage {
    return new Storage(bucket, this.#s3);
  }

  /** Puts `Changes available` for each object. */
  async announce(objects: readonly string[]): Promise<void> {
    if (objects.length === 0) return;
    const { name = DEFAULT_NAME } = this.#options;
    await new ObjectEvents(name, CHANGES_AVAILABLE, this.#events).put(
      objects,
      AbortSignal.timeout(ANNOUNCE_TIMEOUT_MS),
    );
  }

  publish(topicArn: string, { subject, text }: Message): Promise<void> {
    return publish(topicArn, subject, text, this.#sns);
  }
}

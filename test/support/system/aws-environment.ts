/**
 * The embedded AWS as a Lambda finds it: the environment variables name its endpoint, region and keys, all else is the
 * SDK's default. Modules that make their clients when they are imported have to be imported after this.
 */
import { vi } from 'vitest';
import { SecretsManager } from '../../../packages/embedded-aws/secrets-manager.ts';
import { type PublishedMessage, Sns } from '../../../packages/embedded-aws/sns/service.ts';
import { StepFunctions } from '../../../packages/embedded-aws/step-functions/step-functions.ts';
import { startTestAws, type TestAws } from '../../../packages/embedded-aws/test/embedded-aws.ts';

export interface AwsEnvironment extends AsyncDisposable {
  readonly running: TestAws;
  /** What was published to topics. */
  readonly published: readonly PublishedMessage[];
  /** Creates a secret, or gives it another value. Answers its ARN. */
  secret(name: string, value: unknown): Promise<string>;
  /** Creates a bucket. */
  bucket(name: string): Promise<string>;
  /** Creates a queue. Answers its URL. */
  queue(name: string, attributes?: Readonly<Record<string, string>>): Promise<string>;
  /** Creates a topic. Answers its ARN. */
  topic(name: string): Promise<string>;
}

export async function startAwsEnvironment(): Promise<AwsEnvironment> {
  const published: PublishedMessage[] = [];
  const running = await startTestAws({
    services: (aws, store) => {
      const states = new StepFunctions(aws, store);
      return {
        secretsmanager: new SecretsManager(aws, store),
        sns: new Sns(aws, store, { onPublish: (message) => void published.push(message) }),
        states: { operations: states.operations, close: () => void states.stop() },
      };
    },
  });
  const { endpoint, region, credentials } = running.client;
  vi.stubEnv('AWS_ENDPOINT_URL', endpoint);
  vi.stubEnv('AWS_REGION', region);
  vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey);
  const { aws } = running;
  return {
    running,
    published,
    async secret(name, value) {
      const SecretString = typeof value === 'string' ? value : JSON.stringify(value);
      const { SecretList } = await aws.call<{ SecretList: { Name: string; ARN: string }[] }>(
        'secretsmanager',
        'ListSecrets',
        {},
      );
      const known = SecretList.find((secret) => secret.Name === name);
      if (known === undefined) {
        const made = await aws.call<{ ARN: string }>('secretsmanager', 'CreateSecret', { Name: name, SecretString });
        return made.ARN;
      }
      await aws.call('secretsmanager', 'PutSecretValue', { SecretId: name, SecretString });
      return known.ARN;
    },
    async bucket(name) {
      await aws.call('s3', 'CreateBucket', { Bucket: name });
      return name;
    },
    async queue(name, attributes = {}) {
      const made = await aws.call<{ QueueUrl: string }>('sqs', 'CreateQueue', {
        QueueName: name,
        Attributes: attributes,
      });
      return made.QueueUrl;
    },
    async topic(name) {
      return (await aws.call<{ TopicArn: string }>('sns', 'CreateTopic', { Name: name })).TopicArn;
    },
    async [Symbol.asyncDispose]() {
      vi.unstubAllEnvs();
      await running[Symbol.asyncDispose]();
    },
  };
}

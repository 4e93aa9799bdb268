/**
 * What the Lambdas of the stack find around them: bucket, queues, topic and secrets of the embedded AWS, the sample's
 * database, and an org. Handlers read their environment when they are imported, so they are imported through here.
 */
import { vi } from 'vitest';
import configuration from '../../examples/lender/sync.config.ts';
import { type StartedOrg, startedOrg } from '../../packages/salesforce-simulator/test/started-org.ts';
import { createLenderDatabase, type LenderDatabase } from '../support/postgres/lender-database.ts';
import { type AwsEnvironment, startAwsEnvironment } from '../support/system/aws-environment.ts';

type Handler = (event: unknown, context: never) => Promise<unknown>;

export interface LambdaEnvironment extends AsyncDisposable {
  readonly aws: AwsEnvironment;
  readonly bucket: string;
  readonly queues: Readonly<Record<string, string>>;
  /** Puts an object into the bucket and answers its size in bytes. */
  put(key: string, content: string | Uint8Array): Promise<number>;
  /** Keys under a prefix. */
  keys(prefix: string): Promise<string[]>;
  /** The JSON lines of an object. */
  lines(key: string): Promise<unknown[]>;
  text(key: string): Promise<string>;
}

/** An environment without a database and an org, for the functions that touch neither. */
export async function startLambdaEnvironment(): Promise<LambdaEnvironment> {
  const aws = await startAwsEnvironment();
  const bucket = await aws.bucket('sfsync');
  const objects = configuration.objects.map(({ object }) => object);
  const urls = await Promise.all(objects.map((object) => aws.queue(`changes-${object}`)));
  const queues = Object.fromEntries(objects.map((object, i) => [object, urls[i] ?? '']));
  vi.stubEnv('BUCKET_NAME', bucket);
  vi.stubEnv('CHANGE_QUEUE_URLS', JSON.stringify(queues));
  vi.stubEnv('TOPIC_ARN', await aws.topic('people'));
  vi.stubEnv('POWERTOOLS_SERVICE_NAME', 'sfsync');
  vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'SILENT');
  const { client } = aws.running;
  const { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
  const s3 = new S3Client({ ...client, forcePathStyle: true });
  const text = async (key: string) => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return (await Body?.transformToString()) ?? '';
  };
  return {
    aws,
    bucket,
    queues,
    async put(key, content) {
      const Body = typeof content === 'string' ? Buffer.from(content) : content;
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body }));
      return Body.length;
    },
    async keys(prefix) {
      const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
      return (Contents ?? []).flatMap(({ Key }) => Key ?? []);
    },
    text,
    async lines(key) {
      const content = await text(key);
      return content
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as unknown);
    },
    async [Symbol.asyncDispose]() {
      s3.destroy();
      await aws[Symbol.asyncDispose]();
    },
  };
}

/** Adds the sample's database, with its secret. */
export async function addDatabase({ aws }: LambdaEnvironment): Promise<LenderDatabase> {
  const lender = await createLenderDatabase();
  const { host, port, dbname, username, password } = lender.credentials;
  vi.stubEnv('DATABASE_SECRET_ARN', await aws.secret('database', { host, port, dbname, username, password }));
  return lender;
}

/** Adds an org, with its secret. */
export async function addOrg({ aws }: LambdaEnvironment): Promise<StartedOrg> {
  const org = await startedOrg({ clock: Date.now });
  const { instanceUrl, clientId, clientSecret } = org.simulator;
  vi.stubEnv('SALESFORCE_SECRET_ARN', await aws.secret('salesforce', { instanceUrl, clientId, clientSecret }));
  return org;
}

/** Calls a handler as the Lambda service does: what goes in and comes out is JSON. */
export function invocation<Output>({ handler }: { readonly handler: unknown }): (event: object) => Promise<Output> {
  return async (event) => {
    const context = { awsRequestId: 'request', getRemainingTimeInMillis: () => 60_000 } as never;
    const answer = await (handler as Handler)(JSON.parse(JSON.stringify(event)), context);
    return JSON.parse(JSON.stringify(answer)) as Output;
  };
}

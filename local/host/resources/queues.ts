import { z } from 'zod';
import { type CallAws, type ResourceMakers, readProperties } from '../resource-maker.ts';

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const queueSchema = z.strictObject({
  QueueName: z.string().optional(),
  Tags: z.array(z.object({ Key: z.string(), Value: z.string() })).default([]),
  RedrivePolicy: z.record(z.string(), scalar).optional(),
  RedriveAllowPolicy: z.record(z.string(), z.unknown()).optional(),
  ContentBasedDeduplication: scalar.optional(),
  DelaySeconds: scalar.optional(),
  FifoQueue: scalar.optional(),
  KmsDataKeyReusePeriodSeconds: scalar.optional(),
  KmsMasterKeyId: scalar.optional(),
  MaximumMessageSize: scalar.optional(),
  MessageRetentionPeriod: scalar.optional(),
  ReceiveMessageWaitTimeSeconds: scalar.optional(),
  SqsManagedSseEnabled: scalar.optional(),
  VisibilityTimeout: scalar.optional(),
});
const policySchema = z.object({ Queues: z.array(z.string()), PolicyDocument: z.record(z.string(), z.unknown()) });

/** `AWS::SQS::Queue` and its policy. A queue that is there keeps its messages; only its attributes are set. */
export function queueMakers(call: CallAws): ResourceMakers {
  return {
    'AWS::SQS::Queue': {
      async make(properties, context) {
        const { QueueName, Tags, RedrivePolicy, RedriveAllowPolicy, ...plain } = readProperties(
          queueSchema,
          properties,
          context,
        );
        const Attributes: Record<string, string> = {
          ...(RedrivePolicy && { RedrivePolicy: JSON.stringify(RedrivePolicy) }),
          ...(RedriveAllowPolicy && { RedriveAllowPolicy: JSON.stringify(RedriveAllowPolicy) }),
        };
        for (const [name, value] of Object.entries(plain)) if (value !== undefined) Attributes[name] = String(value);
        const name = QueueName ?? context.name(80);
        const tags = Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]));
        const QueueUrl = await urlOf(call, name);
        if (QueueUrl !== undefined) await call('sqs', 'SetQueueAttributes', { QueueUrl, Attributes });
        const ref =
          QueueUrl ??
          (await call<{ QueueUrl: string }>('sqs', 'CreateQueue', { QueueName: name, Attributes, tags })).QueueUrl;
        const Arn = `arn:aws:sqs:${context.region}:${context.account}:${name}`;
        return { ref, attributes: { Arn, QueueName: name, QueueUrl: ref } };
      },
      remove: async ({ attributes }) => {
        // By name: the URL may carry the port of an earlier run.
        const QueueUrl = await urlOf(call, attributes.QueueName ?? '');
        if (QueueUrl !== undefined) await call('sqs', 'DeleteQueue', { QueueUrl });
      },
    },
    'AWS::SQS::QueuePolicy': {
      async make(properties, context) {
        const { Queues, PolicyDocument } = readProperties(policySchema, properties, context);
        const Policy = JSON.stringify(PolicyDocument);
        for (const QueueUrl of Queues) await call('sqs', 'SetQueueAttributes', { QueueUrl, Attributes: { Policy } });
        return { ref: context.name(128), attributes: {} };
      },
    },
  };
}

async function urlOf(call: CallAws, name: string): Promise<string | undefined> {
  const { QueueUrls = [] } = await call<{ QueueUrls?: string[] }>('sqs', 'ListQueues', { QueueNamePrefix: name });
  return QueueUrls.find((url) => url.endsWith(`/${name}`));
}

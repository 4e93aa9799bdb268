import { z } from 'zod';
import { type CallAws, type ResourceMakers, readProperties } from '../resource-maker.ts';

const topicSchema = z.object({
  TopicName: z.string().optional(),
  DisplayName: z.string().optional(),
  KmsMasterKeyId: z.string().optional(),
  FifoTopic: z.literal(false, 'FIFO topics are not supported').optional(),
  Subscription: z.array(z.object({ Endpoint: z.string(), Protocol: z.string() })).default([]),
});
const subscriptionSchema = z.object({
  TopicArn: z.string(),
  Protocol: z.string(),
  Endpoint: z.string(),
  RawMessageDelivery: z.union([z.boolean(), z.string()]).optional(),
  FilterPolicy: z.record(z.string(), z.unknown()).optional(),
  FilterPolicyScope: z.string().optional(),
});
const policySchema = z.object({ Topics: z.array(z.string()), PolicyDocument: z.record(z.string(), z.unknown()) });

/** `AWS::SNS::Topic`, its subscriptions and its policy. */
export function topicMakers(call: CallAws): ResourceMakers {
  return {
    'AWS::SNS::Topic': {
      async make(properties, context) {
        const { TopicName, DisplayName, Subscription } = readProperties(topicSchema, properties, context);
        const name = TopicName ?? context.name(256);
        const Attributes = DisplayName === undefined ? {} : { DisplayName };
        const { TopicArn } = await call<{ TopicArn: string }>('sns', 'CreateTopic', { Name: name, Attributes });
        for (const { Endpoint, Protocol } of Subscription) {
          await call('sns', 'Subscribe', { TopicArn, Endpoint, Protocol, ReturnSubscriptionArn: true });
        }
        return { ref: TopicArn, attributes: { TopicArn, TopicName: name } };
      },
      remove: async ({ ref }) => {
        await call('sns', 'DeleteTopic', { TopicArn: ref });
      },
    },
    'AWS::SNS::Subscription': {
      async make(properties, context) {
        const { TopicArn, Protocol, Endpoint, ...more } = readProperties(subscriptionSchema, properties, context);
        const Attributes: Record<string, string> = {};
        for (const [name, value] of Object.entries(more)) {
          if (value !== undefined) Attributes[name] = typeof value === 'object' ? JSON.stringify(value) : String(value);
        }
        const input = { TopicArn, Protocol, Endpoint, Attributes, ReturnSubscriptionArn: true };
        const { SubscriptionArn } = await call<{ SubscriptionArn: string }>('sns', 'Subscribe', input);
        return { ref: SubscriptionArn, attributes: { Arn: SubscriptionArn } };
      },
      remove: async ({ ref }) => {
        await call('sns', 'Unsubscribe', { SubscriptionArn: ref });
      },
    },
    'AWS::SNS::TopicPolicy': {
      async make(properties, context) {
        const { Topics, PolicyDocument } = readProperties(policySchema, properties, context);
        const AttributeValue = JSON.stringify(PolicyDocument);
        for (const TopicArn of Topics) {
          await call('sns', 'SetTopicAttributes', { TopicArn, AttributeName: 'Policy', AttributeValue });
        }
        return { ref: context.name(128), attributes: {} };
      },
    },
  };
}

import { randomUUID } from 'node:crypto';
import { ACCOUNT, type EmbeddedAws } from '../service.ts';
import type { Deliveries } from './deliveries.ts';
import { invalidParameter, notFound } from './errors.ts';
import { assertFilterPolicy } from './filter-policy.ts';
import type { Subscription, Topics } from './topics.ts';

interface OfSubscription {
  readonly SubscriptionArn?: string;
}

const PROTOCOLS: readonly string[] = ['sqs', 'http', 'https', 'email', 'email-json'];
const SETTABLE: ReadonlySet<string> = new Set([
  'DeliveryPolicy',
  'FilterPolicy',
  'FilterPolicyScope',
  'RawMessageDelivery',
  'RedrivePolicy',
]);
const PENDING = 'PendingConfirmation';

/** Subscribing, confirming, describing and unsubscribing. */
export class SubscriptionOperations {
  readonly #aws: EmbeddedAws;
  readonly #topics: Topics;
  readonly #deliveries: Deliveries;

  constructor(aws: EmbeddedAws, topics: Topics, deliveries: Deliveries) {
    this.#aws = aws;
    this.#topics = topics;
    this.#deliveries = deliveries;
  }

  /**
   * Queues are subscribed at once. HTTP subscribers on this machine are asked to confirm; mail addresses and addresses
   * elsewhere stay pending for ever, since nothing that runs locally is to reach people.
   */
  subscribe(input: {
    readonly TopicArn?: string;
    readonly Protocol?: string;
    readonly Endpoint?: string;
    readonly Attributes?: Readonly<Record<string, string>>;
    readonly ReturnSubscriptionArn?: boolean | string;
  }): object {
    const topic = this.#topics.topic(input.TopicArn);
    const { Protocol: protocol = '', Endpoint: endpoint = '', Attributes: attributes = {} } = input;
    if (!PROTOCOLS.includes(protocol)) {
      throw invalidParameter(`Protocol: ${protocol} is not delivered to here; take one of ${PROTOCOLS.join(', ')}`);
    }
    assertEndpoint(protocol, endpoint);
    for (const [name, value] of Object.entries(attributes)) assertAttribute(name, value);
    const existing = this.#topics
      .subscriptionsOf(topic.arn)
      .find((other) => other.protocol === protocol && other.endpoint === endpoint);
    const subscription: Subscription = existing ?? {
      arn: `${topic.arn}:${randomUUID()}`,
      topicArn: topic.arn,
      protocol,
      endpoint,
      attributes,
      token: protocol === 'sqs' ? undefined : randomUUID().replaceAll('-', ''),
    };
    if (existing === undefined) this.#topics.putSubscription(subscription);
    if (subscription.token !== undefined) this.#askToConfirm(subscription);
    const showsArn = subscription.token === undefined || String(input.ReturnSubscriptionArn) === 'true';
    return { SubscriptionArn: showsArn ? subscription.arn : 'pending confirmation' };
  }

  #askToConfirm(subscription: Subscription): void {
    if (subscription.protocol.startsWith('http') && isLoopback(subscription.endpoint)) {
      this.#deliveries.askToConfirm(subscription);
      return;
    }
    const text = `${subscription.protocol} ${subscription.endpoint} stays pending: nothing is sent from here to other machines`;
    this.#aws.journal.record({ kind: 'notification', subject: subscription.topicArn, text });
  }

  confirmSubscription(input: { readonly TopicArn?: string; readonly Token?: string }): object {
    const topic = this.#topics.topic(input.TopicArn);
    const { Token: token } = input;
    const subscription = this.#topics
      .subscriptionsOf(topic.arn)
      .find((one) => token !== undefined && one.token === token);
    if (subscription === undefined) throw invalidParameter('Token');
    this.#topics.putSubscription({ ...subscription, token: undefined });
    return { SubscriptionArn: subscription.arn };
  }

  listSubscriptions(): object {
    return { Subscriptions: this.#topics.allSubscriptions().map(shown) };
  }

  listSubscriptionsByTopic(input: { readonly TopicArn?: string }): object {
    const topic = this.#topics.topic(input.TopicArn);
    return { Subscriptions: this.#topics.subscriptionsOf(topic.arn).map(shown) };
  }

  getSubscriptionAttributes(input: OfSubscription): object {
    const { arn, topicArn, protocol, endpoint, attributes, token } = this.#topics.subscription(input.SubscriptionArn);
    return {
      Attributes: {
        RawMessageDelivery: 'false',
        ...attributes,
        SubscriptionArn: arn,
        TopicArn: topicArn,
        Protocol: protocol,
        Endpoint: endpoint,
        Owner: ACCOUNT,
        PendingConfirmation: String(token !== undefined),
        ConfirmationWasAuthenticated: String(token === undefined),
      },
    };
  }

  setSubscriptionAttributes(
    input: OfSubscription & { readonly AttributeName?: string; readonly AttributeValue?: string },
  ): void {
    const subscription = this.#topics.subscription(input.SubscriptionArn);
    const { AttributeName: name = '', AttributeValue: value = '' } = input;
    assertAttribute(name, value);
    const attributes = { ...subscription.attributes, [name]: value };
    this.#topics.putSubscription({ ...subscription, attributes });
  }

  unsubscribe(input: OfSubscription): void {
    const arn = String(input.SubscriptionArn);
    if (!arn.startsWith('arn:')) throw invalidParameter('SubscriptionArn');
    // Twice is fine, as long as there is such a topic.
    const topicArn = arn.split(':').slice(0, 6).join(':');
    if (this.#topics.findTopic(topicArn) === undefined) throw notFound('Topic');
    this.#topics.deleteSubscription(arn);
  }
}

function shown({ arn, topicArn, protocol, endpoint, token }: Subscription): object {
  return {
    SubscriptionArn: token === undefined ? arn : PENDING,
    Owner: ACCOUNT,
    Protocol: protocol,
    Endpoint: endpoint,
    TopicArn: topicArn,
  };
}

function assertEndpoint(protocol: string, endpoint: string): void {
  const isRight =
    protocol === 'sqs'
      ? /^arn:aws:sqs:[^:]+:\d{12}:.+$/.test(endpoint)
      : protocol.startsWith('http')
        ? endpoint.startsWith(`${protocol}://`) && URL.canParse(endpoint)
        : endpoint.includes('@');
  if (!isRight) throw invalidParameter(`Endpoint: ${endpoint} is not one for ${protocol}`);
}

function isLoopback(address: string): boolean {
  return /^(127(\.\d+){3}|localhost|\[::1\])$/.test(new URL(address).hostname);
}

function assertAttribute(name: string, value: string): void {
  if (!SETTABLE.has(name)) throw invalidParameter(`AttributeName: ${name}`);
  if (name === 'FilterPolicy') assertFilterPolicy(value);
  if (name === 'FilterPolicyScope' && value !== 'MessageAttributes' && value !== 'MessageBody') {
    throw invalidParameter('FilterPolicyScope can only be MessageAttributes or MessageBody');
  }
  if (name === 'RedrivePolicy' && value !== '' && !/"deadLetterTargetArn"\s*:\s*"arn:aws:sqs:/.test(value)) {
    throw invalidParameter('RedrivePolicy needs the ARN of a queue as deadLetterTargetArn');
  }
}

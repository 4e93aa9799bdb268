import { ACCOUNT, type EmbeddedAws } from '../service.ts';
import { invalidParameter } from './errors.ts';
import type { Topic, Topics } from './topics.ts';

interface OfTopic {
  readonly TopicArn?: string;
}
interface Tag {
  readonly Key: string;
  readonly Value: string;
}

const SETTABLE: ReadonlySet<string> = new Set([
  'DeliveryPolicy',
  'DisplayName',
  'KmsMasterKeyId',
  'Policy',
  'SignatureVersion',
  'TracingConfig',
]);

/** Making, describing, changing and deleting topics. */
export class TopicOperations {
  readonly #aws: EmbeddedAws;
  readonly #topics: Topics;

  constructor(aws: EmbeddedAws, topics: Topics) {
    this.#aws = aws;
    this.#topics = topics;
  }

  /** A topic that is there already is answered, not made anew. */
  createTopic(input: {
    readonly Name?: string;
    readonly Attributes?: Readonly<Record<string, string>>;
    readonly Tags?: readonly Tag[];
  }): object {
    const { Name: name = '', Attributes: attributes = {}, Tags: tags = [] } = input;
    if (name.endsWith('.fifo') || String(attributes.FifoTopic) === 'true') {
      throw invalidParameter(`FIFO topics are not part of this endpoint: make ${name} a standard topic`);
    }
    if (!/^[A-Za-z0-9_-]{1,256}$/.test(name)) throw invalidParameter('Topic Name');
    for (const attribute of Object.keys(attributes)) assertSettable(attribute);
    const arn = `arn:aws:sns:${this.#aws.region}:${ACCOUNT}:${name}`;
    if (this.#topics.findTopic(arn) === undefined) {
      this.#topics.putTopic({ arn, attributes, tags: tagMap(tags) });
    }
    return { TopicArn: arn };
  }

  deleteTopic(input: OfTopic): void {
    this.#topics.deleteTopic(String(input.TopicArn));
  }

  listTopics(): object {
    return { Topics: this.#topics.allTopics().map(({ arn }) => ({ TopicArn: arn })) };
  }

  getTopicAttributes(input: OfTopic): object {
    const topic = this.#topics.topic(input.TopicArn);
    const subscriptions = this.#topics.subscriptionsOf(topic.arn);
    const pending = subscriptions.filter(({ token }) => token !== undefined).length;
    return {
      Attributes: {
        DisplayName: '',
        ...topic.attributes,
        TopicArn: topic.arn,
        Owner: ACCOUNT,
        SubscriptionsConfirmed: String(subscriptions.length - pending),
        SubscriptionsPending: String(pending),
        SubscriptionsDeleted: '0',
      },
    };
  }

  setTopicAttributes(input: OfTopic & { readonly AttributeName?: string; readonly AttributeValue?: string }): void {
    const topic = this.#topics.topic(input.TopicArn);
    const { AttributeName: name = '', AttributeValue: value = '' } = input;
    assertSettable(name);
    this.#topics.putTopic({ ...topic, attributes: { ...topic.attributes, [name]: value } });
  }

  tagResource(input: { readonly ResourceArn?: string; readonly Tags?: readonly Tag[] }): object {
    const topic = this.#topics.topic(input.ResourceArn);
    this.#topics.putTopic({ ...topic, tags: { ...topic.tags, ...tagMap(input.Tags ?? []) } });
    return {};
  }

  listTagsForResource(input: { readonly ResourceArn?: string }): object {
    const topic: Topic = this.#topics.topic(input.ResourceArn);
    return { Tags: Object.entries(topic.tags).map(([Key, Value]) => ({ Key, Value })) };
  }
}

function assertSettable(name: string): void {
  if (!SETTABLE.has(name)) throw invalidParameter(`AttributeName: ${name}`);
}

function tagMap(tags: readonly Tag[]): Record<string, string> {
  return Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value]));
}

import type { DatabaseSync } from 'node:sqlite';
import type { EmbeddedAws, Operations } from '../service.ts';
import { Arrivals } from './arrivals.ts';
import { MessageOperations } from './message-operations.ts';
import { Messages } from './messages.ts';
import { MoveTasks } from './move-tasks.ts';
import { QueueOperations } from './queue-operations.ts';
import { Queues } from './queues.ts';

/**
 * SQS with standard queues, kept in the store: whatever SendMessage has accepted survives the death of the process. FIFO
 * queues are refused.
 */
export class Sqs {
  readonly operations: Operations;
  readonly #arrivals = new Arrivals();
  readonly #tasks: MoveTasks;
  readonly #aws: EmbeddedAws;
  readonly #queues: Queues;
  readonly #messages: Messages;

  constructor(aws: EmbeddedAws, store: DatabaseSync) {
    const queues = new Queues(store, aws.region);
    const messages = new Messages(store);
    const onQueues = new QueueOperations(aws, queues, messages, this.#arrivals);
    const onMessages = new MessageOperations(aws, queues, messages, this.#arrivals);
    const tasks = new MoveTasks(aws, store, queues, messages, this.#arrivals);
    this.#tasks = tasks;
    this.#aws = aws;
    this.#queues = queues;
    this.#messages = messages;
    this.operations = {
      AddPermission: onQueues.addPermission.bind(onQueues),
      CancelMessageMoveTask: tasks.cancelMessageMoveTask.bind(tasks),
      ChangeMessageVisibility: onMessages.changeMessageVisibility.bind(onMessages),
      ChangeMessageVisibilityBatch: onMessages.changeMessageVisibilityBatch.bind(onMessages),
      CreateQueue: onQueues.createQueue.bind(onQueues),
      DeleteMessage: onMessages.deleteMessage.bind(onMessages),
      DeleteMessageBatch: onMessages.deleteMessageBatch.bind(onMessages),
      DeleteQueue: onQueues.deleteQueue.bind(onQueues),
      GetQueueAttributes: onQueues.getQueueAttributes.bind(onQueues),
      GetQueueUrl: onQueues.getQueueUrl.bind(onQueues),
      ListDeadLetterSourceQueues: onQueues.listDeadLetterSourceQueues.bind(onQueues),
      ListMessageMoveTasks: tasks.listMessageMoveTasks.bind(tasks),
      ListQueueTags: onQueues.listQueueTags.bind(onQueues),
      ListQueues: onQueues.listQueues.bind(onQueues),
      PurgeQueue: onQueues.purgeQueue.bind(onQueues),
      ReceiveMessage: onMessages.receiveMessage.bind(onMessages),
      RemovePermission: onQueues.removePermission.bind(onQueues),
      SendMessage: onMessages.sendMessage.bind(onMessages),
      SendMessageBatch: onMessages.sendMessageBatch.bind(onMessages),
      SetQueueAttributes: onQueues.setQueueAttributes.bind(onQueues),
      StartMessageMoveTask: tasks.startMessageMoveTask.bind(tasks),
      TagQueue: onQueues.tagQueue.bind(onQueues),
      UntagQueue: onQueues.untagQueue.bind(onQueues),
    };
  }

  /** What CloudWatch measures of each queue (SQS Developer Guide, "Available CloudWatch metrics"). Ages in seconds. */
  metrics(): { namespace: string; name: string; dimensions: Record<string, string>; value: number }[] {
    const now = this.#aws.now();
    return this.#queues.all().flatMap((queue) => {
      const of = (name: string, value: number) => {
        return { namespace: 'AWS/SQS', name, dimensions: { QueueName: queue.name }, value };
      };
      const { visible, inFlight, delayed } = this.#messages.counts(queue, now);
      return [
        of('ApproximateNumberOfMessagesVisible', visible),
        of('ApproximateNumberOfMessagesNotVisible', inFlight),
        of('ApproximateNumberOfMessagesDelayed', delayed),
        of('ApproximateAgeOfOldestMessage', this.#messages.ageOfOldest(queue, now) / 1000),
      ];
    });
  }

  /** Ends move tasks (they go on at the next start) and lets waiting receives look once more. */
  close(): void {
    this.#tasks.close();
    this.#arrivals.announceAll();
  }
}

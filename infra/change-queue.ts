import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { type IQueue, Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

export interface ChangeQueueProps {
  /** Timeout of the function that receives: a message must not come back while the same call still works on it. */
  readonly receiverTimeout: Duration;
}

/** A message is deleted as soon as its keys are in the link table; one that fails so often can never get there. */
const MAX_RECEIVES = 10;

/** The changes of one object, from the WAL streamer to `postgres-to-salesforce`. A standard queue: order does not matter. */
export class ChangeQueue extends Construct {
  readonly queue: Queue;
  readonly deadLetterQueue: IQueue;

  constructor(scope: Construct, id: string, props: ChangeQueueProps) {
    super(scope, id);
    this.deadLetterQueue = deadLetterQueue(this, 'DeadLetters');
    this.queue = new Queue(this, 'Changes', {
      retentionPeriod: Duration.days(14),
      visibilityTimeout: props.receiverTimeout.plus(Duration.seconds(30)),
      enforceSSL: true,
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: MAX_RECEIVES },
      // What waits here was confirmed to the replication slot: PostgreSQL will not send it again.
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }
}

/** A queue that keeps what failed for as long as SQS can. */
export function deadLetterQueue(scope: Construct, id: string): Queue {
  return new Queue(scope, id, { retentionPeriod: Duration.days(14), enforceSSL: true });
}

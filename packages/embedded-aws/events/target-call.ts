import { AwsError, type Caller, type EmbeddedAws, type ServiceName } from '../service.ts';
import type { Target } from './rule.ts';

/** The operation that hands an input to a target. */
export interface TargetCall {
  readonly service: ServiceName;
  readonly operation: string;
  readonly input: object;
}

const KINDS = [
  { kind: 'stateMachine', arn: /^arn:aws:states:[^:]+:\d{12}:stateMachine:[^:]+$/ },
  { kind: 'queue', arn: /^arn:aws:sqs:[^:]+:\d{12}:[^:]+$/ },
  { kind: 'function', arn: /^arn:aws:lambda:[^:]+:\d{12}:function:[^:]+(:[^:]+)?$/ },
  { kind: 'topic', arn: /^arn:aws:sns:[^:]+:\d{12}:[^:]+$/ },
] as const;

/** What kind of target an ARN names; undefined when it is not one of those that rules can have here. */
export function targetKind(arn: string): (typeof KINDS)[number]['kind'] | undefined {
  return KINDS.find((entry) => entry.arn.test(arn))?.kind;
}

/**
 * The call that delivers `input`. `deliveryName` names an execution, so that a delivery which is repeated after a crash
 * does not start a second one. Throws AwsError `ValidationException` for an unknown kind of target.
 */
export function targetCall(aws: EmbeddedAws, target: Target, input: string, deliveryName: string): TargetCall {
  const kind = targetKind(target.Arn);
  switch (kind) {
    case 'stateMachine':
      return {
        service: 'states',
        operation: 'StartExecution',
        input: { stateMachineArn: target.Arn, name: deliveryName, input },
      };
    case 'queue': {
      const MessageGroupId = target.SqsParameters?.MessageGroupId;
      const message = { QueueUrl: queueUrl(aws, target.Arn), MessageBody: input };
      return {
        service: 'sqs',
        operation: 'SendMessage',
        input: MessageGroupId === undefined ? message : { ...message, MessageGroupId },
      };
    }
    case 'function':
      return {
        service: 'lambda',
        operation: 'Invoke',
        input: { FunctionName: target.Arn, InvocationType: 'Event', Payload: input },
      };
    case 'topic':
      return { service: 'sns', operation: 'Publish', input: { TopicArn: target.Arn, Message: input } };
    case undefined:
      throw new AwsError(
        'ValidationException',
        `${target.Arn} cannot be a target here: rules deliver to state machines, SQS queues, Lambda functions and SNS topics.`,
      );
    default:
      throw kind satisfies never;
  }
}

/** The URL under which this endpoint serves the queue of an ARN. */
export function queueUrl(aws: EmbeddedAws, queueArn: string): string {
  const [, , , , account = '', name = ''] = queueArn.split(':');
  return `${aws.origin}/${account}/${name}`;
}

/** In whose name a target is called: the target's role, or EventBridge itself where resource policies decide. */
export function targetCaller(target: Target): Caller {
  return { principal: target.RoleArn ?? 'events.amazonaws.com' };
}

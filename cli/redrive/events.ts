/** `sfsync redrive events`: what EventBridge or a function could not deliver is delivered by hand. */
import type { DeadLetter } from '../../aws/dead-letter-queue.ts';
import type { Deployment } from '../../aws/deployment.ts';
import type { EventRedrive } from '../../core/contracts/dead-letters.ts';
import { PIPELINES, redriveOfEvent } from '../../core/contracts/dead-letters.ts';
import { messageOf } from '../../core/contracts/notice.ts';
import { executionName } from '../../core/contracts/storage-layout.ts';
import type { Operator } from '../operator.ts';

/** Works through the queues of undelivered events and notices. SQS does not move these back by itself. */
export async function redriveEvents(operator: Operator): Promise<number> {
  const { aws, terminal, dryRun } = operator;
  const deployment = await aws.deployment();
  const urls = [...PIPELINES.map((name) => deployment.undeliveredEventsUrl(name)), deployment.undeliveredNoticesUrl];
  const announced = new Set<string>();
  let found = 0;
  let left = 0;
  for (const url of urls) {
    const queue = aws.deadLetters(url);
    for await (const letter of queue.letters()) {
      found += 1;
      const redrive = redriveOf(deployment, letter);
      if (redrive === undefined) {
        left += 1;
        terminal.print(`message ${letter.id} of ${queueName(url)} is nothing that sfsync's rules are given; it stays`);
        continue;
      }
      terminal.print(described(redrive, dryRun));
      if (dryRun) continue;
      if (redrive.action === 'announce' && !announced.has(redrive.object)) await aws.announce([redrive.object]);
      if (redrive.action === 'announce') announced.add(redrive.object);
      else await carryOut(operator, deployment, redrive);
      await queue.remove(letter);
    }
  }
  if (found === 0) terminal.print('every event and notice was delivered');
  return left;
}

/** An event that asks for a dead-letter queue that this stack does not have is none of ours. */
function redriveOf(deployment: Deployment, { body, attributes }: DeadLetter): EventRedrive | undefined {
  const redrive = redriveOfEvent(body, attributes.TARGET_ARN);
  if (redrive?.action !== 'dead letter') return redrive;
  return pipelineOf(deployment, redrive.failed.stateMachine) === undefined ? undefined : redrive;
}

async function carryOut(
  { aws }: Operator,
  deployment: Deployment,
  redrive: Exclude<EventRedrive, { action: 'announce' }>,
): Promise<void> {
  switch (redrive.action) {
    case 'start execution': {
      const machine = deployment.stateMachineArn('salesforce-to-postgres');
      await aws.executions.start(machine, `event-${redrive.id}`, JSON.stringify(redrive.input));
      return;
    }
    case 'dead letter': {
      const pipeline = pipelineOf(deployment, redrive.failed.stateMachine);
      if (pipeline === undefined) return;
      await aws.deadLetters(deployment.failedExecutionsUrl(pipeline)).send(JSON.stringify(redrive.failed));
      return;
    }
    case 'notify':
      await aws.publish(deployment.topicArn, messageOf(redrive.notice));
      return;
    case 'forget':
      return;
    default:
      redrive satisfies never;
  }
}

function pipelineOf(deployment: Deployment, stateMachine: string) {
  return PIPELINES.find((pipeline) => deployment.stateMachineArn(pipeline) === stateMachine);
}

function described(redrive: EventRedrive, dryRun: boolean): string {
  const would = dryRun ? 'would be' : 'is';
  switch (redrive.action) {
    case 'start execution':
      return `${redrive.input.key}: its execution ${would} started`;
    case 'announce':
      return `changes of ${redrive.object}: ${would} announced`;
    case 'dead letter':
      return `failed execution ${executionName(redrive.failed.execution)}: ${would} put into its dead-letter queue; \`sfsync redrive executions\` goes on from there`;
    case 'notify':
      return `notice "${messageOf(redrive.notice).subject}": ${would} published`;
    case 'forget':
      return `${redrive.why}: ${would} removed`;
    default:
      return redrive satisfies never;
  }
}

function queueName(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1);
}

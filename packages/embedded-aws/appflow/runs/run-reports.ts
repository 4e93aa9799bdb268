import { createHash } from 'node:crypto';
import { ACCOUNT, AwsError, type EmbeddedAws } from '../../service.ts';
import type { FlowDefinition } from '../flows/flow-definition.ts';
import { toDateTime } from '../salesforce/soql.ts';
import type { ExecutionRecord } from './execution-records.ts';

/** Who CloudFormation says has created the flow. */
export const CREATED_BY = `arn:aws:sts::${ACCOUNT}:assumed-role/cdk-hnb659fds-cfn-exec-role/AWSCloudFormation`;

export function flowArn(region: string, flowName: string): string {
  return `arn:aws:appflow:${region}:${ACCOUNT}:flow/${flowName}`;
}

/**
 * AppFlow's events on the default bus (Events Reference, Amazon AppFlow events). As in recorded ones every number is
 * a string, times end in `Z[UTC]`, and `resources` holds an opaque hash, not the flow's ARN. The delivery is best
 * effort: when the bus refuses, the journal records it and the run goes on.
 */
export class RunReports {
  readonly #aws: EmbeddedAws;

  constructor(aws: EmbeddedAws) {
    this.#aws = aws;
  }

  started(flow: FlowDefinition, run: ExecutionRecord): Promise<void> {
    return this.#publish(flow, 'AppFlow Start Flow Run Report', {
      ...runDetail(run),
      status: 'Execution Started',
    });
  }

  ended(flow: FlowDefinition, run: ExecutionRecord): Promise<void> {
    const { totals } = run;
    return this.#publish(flow, 'AppFlow End Flow Run Report', {
      ...runDetail(run),
      'num-of-records-processed': String(totals.recordsProcessed),
      'num-of-records-filtered': String(totals.recordsFiltered),
      'num-of-record-failures': String(totals.putFailures),
      'num-of-documents-processed': '0',
      'data-processed': String(totals.bytesProcessed),
      'end-time': zoned(run.updatedAt),
      status: END_STATUS[run.status],
      ...(run.message === undefined ? {} : { error: run.message }),
    });
  }

  deactivated(flow: FlowDefinition, reason: string, at: number): Promise<void> {
    return this.#publish(flow, 'AppFlow Scheduled Flow Deactivated', {
      'deactivation-reason': reason,
      'deactivation-time': zoned(at),
    });
  }

  async #publish(flow: FlowDefinition, detailType: string, detail: Readonly<Record<string, unknown>>): Promise<void> {
    const arn = flowArn(this.#aws.region, flow.name);
    try {
      await this.#aws.call('events', 'PublishServiceEvent', {
        source: 'aws.appflow',
        'detail-type': detailType,
        resources: [createHash('md5').update(arn).digest('hex')],
        detail: { ...flowDetail(flow), 'flow-arn': arn, ...detail },
      });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      const text = `${detailType} was not published: ${error.code} ${error.message}`;
      this.#aws.journal.record({ kind: 'fault', subject: flow.name, text });
    }
  }
}

/** Only `Execution Successful` has been seen in the field; the other texts are not documented. */
const END_STATUS: Readonly<Record<ExecutionRecord['status'], string>> = {
  InProgress: 'Execution In Progress',
  Successful: 'Execution Successful',
  Error: 'Execution Failed',
  CancelStarted: 'Execution Cancel Started',
  Canceled: 'Execution Canceled',
};

function flowDetail(flow: FlowDefinition): Readonly<Record<string, string>> {
  const inbound = flow.direction === 'inbound';
  const bucketPath = `s3://${[flow.bucket, ...(flow.prefix ? [flow.prefix] : [])].join('/')}`;
  return {
    'flow-name': flow.name,
    'created-by': CREATED_BY,
    source: inbound ? 'Salesforce' : 'S3',
    destination: inbound ? 'S3' : 'Salesforce',
    'source-object': inbound ? flow.object : bucketPath,
    'destination-object': inbound ? bucketPath : flow.object,
    'trigger-type': flow.trigger ? 'SCHEDULED' : 'ONDEMAND',
  };
}

function runDetail(run: ExecutionRecord): Readonly<Record<string, unknown>> {
  return {
    'execution-id': run.executionId,
    'start-time': zoned(run.startedAt),
    // The inner shape of this one is not documented.
    ...(run.window
      ? {
          'incremental-transfer-time-range': {
            'start-time': `${toDateTime(run.window.fromSeconds)}[UTC]`,
            'end-time': `${toDateTime(run.window.toSeconds)}[UTC]`,
          },
        }
      : {}),
  };
}

const zoned = (at: number) => `${new Date(at).toISOString()}[UTC]`;

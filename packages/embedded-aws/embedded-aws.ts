import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppFlow } from './appflow/appflow.ts';
import type { AppFlowQuirks } from './appflow/quirks.ts';
import type { SalesforceConnection } from './appflow/salesforce/salesforce-connection.ts';
import { CloudFormation } from './cloudformation.ts';
import { CloudWatch } from './cloudwatch/cloudwatch.ts';
import { Logs } from './cloudwatch/logs.ts';
import { createEndpoint, type Endpoint } from './endpoint.ts';
import { EventBridge } from './events/event-bridge.ts';
import { Faults } from './faults/faults.ts';
import { Iam } from './iam/iam.ts';
import { createJournal } from './journal.ts';
import { Lambda } from './lambda/lambda-host.ts';
import { onFreePort } from './ports.ts';
import { S3 } from './s3/service.ts';
import { SecretsManager } from './secrets-manager.ts';
import { AwsError, CONSOLE, type EmbeddedAws, type Journal, type Operations, type ServiceName } from './service.ts';
import { type PublishedMessage, Sns } from './sns/service.ts';
import { Sqs } from './sqs/service.ts';
import { StepFunctions } from './step-functions/step-functions.ts';
import { openStore } from './store.ts';

// The rest of the public face: what a host needs to know of the services.
export { connectByOAuth, type SalesforceConnection } from './appflow/salesforce/salesforce-connection.ts';
export type { Faults } from './faults/faults.ts';
export { managedPolicy } from './iam/managed-policies.ts';
export type { PolicyStatement } from './iam/policy-statement.ts';
export type { FunctionSettings } from './lambda/function-settings.ts';
export { freePorts, onFreePort } from './ports.ts';
export { ACCOUNT, type Journal, type JournalEntry, type ServiceName } from './service.ts';
export { openStore } from './store.ts';

export const REGION = 'us-east-1';

export interface EmbeddedAwsOptions {
  readonly stateDirectory: string;
  readonly logDirectory: string;
  /** How many times as frequent schedules are. */
  readonly timeScale: number;
  /** How many times as short periods of alarms are. @default as the schedules */
  readonly alarmScale?: number;
  /** What AWS does not document about AppFlow, where it shall differ from the default. */
  readonly quirks?: Partial<AppFlowQuirks>;
  /** Tried first. */
  readonly ports: readonly number[];
  /** AppFlow's connector profiles. */
  readonly connections: (profileName: string) => Promise<SalesforceConnection>;
}

/** The embedded AWS in one piece: every service on one store, behind one endpoint. */
export interface RunningAws {
  readonly aws: EmbeddedAws;
  readonly journal: Journal;
  readonly iam: Iam;
  readonly lambda: Lambda;
  readonly appflow: AppFlow;
  readonly cloudFormation: CloudFormation;
  readonly cloudWatch: CloudWatch;
  readonly logs: Logs;
  /** What goes wrong; also to be switched at `<endpoint>/_faults`. */
  readonly faults: Faults;
  /**
   * Begins to work on what is accepted: deliveries, schedules, executions of an earlier run. To be called once the
   * stack stands.
   */
  start(): Promise<void>;
  /** Ends what is under way, keeps what is accepted, and closes endpoint and store. */
  stop(): Promise<void>;
}

/** Makes the services and lets them answer; nothing is delivered or run on schedule before `start`. */
export async function openEmbeddedAws(options: EmbeddedAwsOptions): Promise<RunningAws> {
  const { stateDirectory, logDirectory, timeScale } = options;
  const store = openStore(join(stateDirectory, 'aws', 'store.sqlite'));
  const journal = createJournal();
  const faults = new Faults();
  const services = new Map<ServiceName, { readonly operations: Operations }>();
  let endpoint: Endpoint | undefined;

  const aws: EmbeddedAws = {
    region: REGION,
    get origin() {
      if (endpoint === undefined) throw new Error('The endpoint of the embedded AWS does not listen yet');
      return endpoint.origin;
    },
    journal,
    measure: (point) => cloudWatch.add(point),
    now: Date.now,
    faults,
    async call<Output>(service: ServiceName, operation: string, input: object, caller = CONSOLE): Promise<Output> {
      const run = services.get(service)?.operations[operation];
      if (run === undefined) {
        throw new AwsError('UnknownOperationException', `${service} has no operation ${operation} here`);
      }
      iam.authorize(caller, service, operation, input);
      const work = async () => run(input as never, caller);
      return (await faults.around({ service, operation, input, caller }, work)) as Output;
    },
  };

  const iam = new Iam(aws);
  const cloudWatch = new CloudWatch(aws, store, { timeScale: options.alarmScale ?? timeScale });
  const logs = new Logs(aws);
  const s3 = new S3(aws, store, { directory: join(stateDirectory, 'aws', 's3') });
  const sqs = new Sqs(aws, store);
  cloudWatch.sample(() => sqs.metrics());
  const sns = new Sns(aws, store, { onPublish: (message) => keepNotification(stateDirectory, message) });
  const events = new EventBridge(aws, store, { timeScale });
  const states = new StepFunctions(aws, store);
  const lambda = new Lambda(aws, store, {
    stateDirectory: join(stateDirectory, 'aws', 'lambda'),
    logsDirectory: logDirectory,
    credentialsFor: (roleArn) => iam.credentialsFor(roleArn),
    onLog: (logGroup, text) => logs.write(logGroup, text),
  });
  const appflow = new AppFlow(aws, store, {
    timeScale,
    connections: options.connections,
    quirks: options.quirks ?? {},
  });
  const cloudFormation = new CloudFormation(aws);
  const all: Readonly<Record<ServiceName, { readonly operations: Operations }>> = {
    appflow,
    cloudformation: cloudFormation,
    events,
    lambda,
    logs,
    monitoring: cloudWatch,
    s3,
    secretsmanager: new SecretsManager(aws, store),
    sns,
    sqs,
    states,
    sts: iam,
  };
  for (const [name, service] of Object.entries(all)) services.set(name as ServiceName, service);

  endpoint = await onFreePort(options.ports, (port) => {
    const { s3: _bodiesAreStreams, ...others } = all;
    return createEndpoint({
      services: others,
      s3,
      journal,
      faults,
      callerOf: (accessKeyId) => iam.callerOf(accessKeyId),
      authorize: (caller, service, operation, input) => iam.authorize(caller, service, operation, input),
      port,
    });
  });
  const open = endpoint;
  return {
    aws,
    journal,
    iam,
    lambda,
    appflow,
    cloudFormation,
    cloudWatch,
    logs,
    faults,
    async start() {
      sns.start();
      lambda.start();
      events.start();
      s3.start();
      states.resume();
      await appflow.start();
      cloudWatch.start();
    },
    async stop() {
      // First whatever begins new work, then whatever works on it.
      await cloudWatch.stop();
      await Promise.all([appflow.stop(), events.stop(), sns.stop()]);
      await states.stop();
      await lambda.stop();
      s3.close();
      sqs.close();
      await open.close();
      store.close();
    },
  };
}

/** Every notification is kept, with and without subscriptions. */
async function keepNotification(directory: string, message: PublishedMessage): Promise<void> {
  const line = { ...message, publishedAt: new Date(message.publishedAt).toISOString() };
  await appendFile(join(directory, 'notifications.jsonl'), `${JSON.stringify(line)}\n`, { mode: 0o600 });
}

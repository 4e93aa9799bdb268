import {
  AppflowClient,
  ConflictException,
  DescribeFlowCommand,
  DescribeFlowExecutionRecordsCommand,
  StartFlowCommand,
} from '@aws-sdk/client-appflow';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OrgSimulator, startOrgSimulator } from '../../../salesforce-simulator/org-simulator.ts';
import { LENDER_ORG } from '../../../salesforce-simulator/test/lender-org.ts';
import { AppFlow } from '../../appflow/appflow.ts';
import { connectByOAuth } from '../../appflow/salesforce/salesforce-connection.ts';
import { openStore } from '../../store.ts';
import { startTestAws, type TestAws } from '../embedded-aws.ts';
import { inboundFlow, mapTasks, outboundFlow } from './flow-templates.ts';

const FIELDS = [
  { field: 'Id', type: 'id' },
  { field: 'LastName' },
  { field: 'Credit_Score__c', type: 'double' },
  { field: 'DoNotCall', type: 'boolean' },
  { field: 'Birthdate', type: 'date' },
];

let org: OrgSimulator;
let running: TestAws;
let appflow: AppFlow;
let client: AppflowClient;
let s3: S3Client;

/** The real things on both sides: the org simulator, S3 and the endpoint with the SDK's clients. */
beforeAll(async () => {
  const orgStore = openStore(undefined);
  const aMinuteAgo = Date.now() - 60_000;
  org = await startOrgSimulator({
    port: 0,
    store: orgStore,
    ...LENDER_ORG,
    seed: () =>
      ['Ärger, "jr."', 'two\nlines'].map((LastName, index) => ({
        object: 'Contact',
        values: { LastName, Credit_Score__c: 700 + index, Birthdate: '1980-02-29' },
        createdAt: aMinuteAgo,
      })),
  });
  const connection = connectByOAuth({ ...org, loginUrl: org.instanceUrl });
  running = await startTestAws({
    services: (aws, store) => {
      appflow = new AppFlow(aws, store, { connections: () => connection });
      return { appflow };
    },
  });
  client = new AppflowClient(running.client);
  s3 = new S3Client(running.client);
  await s3.send(new CreateBucketCommand({ Bucket: 'data' }));
  const tasks = mapTasks('Salesforce', [...FIELDS, { field: 'SystemModstamp', type: 'datetime' }]);
  await appflow.putFlow(inboundFlow({ tasks }));
  await appflow.putFlow(outboundFlow({ fields: FIELDS }));
});
afterAll(async () => {
  client.destroy();
  s3.destroy();
  await appflow.stop();
  await running[Symbol.asyncDispose]();
  await org.stop();
});

async function contactsIn(executionId: string | undefined): Promise<Record<string, unknown>[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'data', Prefix: 'salesforce/' }));
  const keys = Contents.flatMap(({ Key }) => (Key?.includes(`/${executionId}/`) ? [Key] : []));
  const texts = keys.map(async (Key) =>
    (await s3.send(new GetObjectCommand({ Bucket: 'data', Key }))).Body?.transformToString(),
  );
  const lines = (await Promise.all(texts)).flatMap((text) => text?.trim().split('\n') ?? []);
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('records travel to S3, and an edited file back into the org', async () => {
  const pulled = await appflow.runScheduled('contact-in');
  expect(pulled).toMatchObject({ status: 'Successful', message: undefined });
  const contacts = await contactsIn(pulled?.executionId);
  expect(contacts).toMatchObject([
    { LastName: 'Ärger, "jr."', Credit_Score__c: 700, DoNotCall: false, Birthdate: '1980-02-29' },
    { LastName: 'two\nlines', Credit_Score__c: 701 },
  ]);

  const [first, second] = contacts;
  const Body =
    `Id,LastName,Credit_Score__c,DoNotCall,Birthdate\n${first?.Id},"Ångström, ""sr.""\nof Two Lines",812.0,TRUE,\n` +
    `${second?.Id},${'x'.repeat(81)},1,false,1990-01-01\n`;
  await s3.send(new PutObjectCommand({ Bucket: 'data', Key: 'outbound/Contact/batch.csv', Body }));
  const start = new StartFlowCommand({ flowName: 'contact-out', clientToken: 'batch-1' });
  const held = appflow.faults.holdRuns('contact-out', 'end');
  const { executionId } = await client.send(start);
  await held.arrived;
  expect((await client.send(start)).executionId).toBe(executionId);
  await expect(client.send(new StartFlowCommand({ flowName: 'contact-out' }))).rejects.toBeInstanceOf(
    ConflictException,
  );
  const ended = new Promise<void>((resolve) =>
    running.aws.journal.subscribe(({ kind }) => kind === 'flow-run' && resolve()),
  );
  held.release();
  await ended;

  const records = await client.send(
    new DescribeFlowExecutionRecordsCommand({ flowName: 'contact-out', maxResults: 1 }),
  );
  expect(records.flowExecutions).toMatchObject([
    {
      executionId,
      executionStatus: 'Successful',
      executionResult: { recordsProcessed: 2, errorInfo: { putFailuresCount: 1 } },
      startedAt: expect.any(Date),
    },
  ]);
  running.advance(2000);
  const again = await appflow.runScheduled('contact-in');
  expect(await contactsIn(again?.executionId)).toMatchObject([
    {
      Id: first?.Id,
      LastName: 'Ångström, "sr."\nof Two Lines',
      Credit_Score__c: 812,
      DoNotCall: true,
      Birthdate: '1980-02-29',
    },
  ]);
});

test('the client reads the definition of a flow', async () => {
  const flow = await client.send(new DescribeFlowCommand({ flowName: 'contact-in' }));
  expect(flow).toMatchObject({
    flowStatus: 'Active',
    createdAt: expect.any(Date),
    triggerConfig: { triggerProperties: { Scheduled: { scheduleExpression: 'rate(1minutes)' } } },
    lastRunExecutionDetails: { mostRecentExecutionStatus: 'Successful', mostRecentExecutionTime: expect.any(Date) },
  });
});

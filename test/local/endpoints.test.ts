import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Endpoints, removeEndpoints, resourcesOf, writeEndpoints } from '../../local/endpoints.ts';

const endpoints: Endpoints = {
  aws: { endpoint: 'http://127.0.0.1:1', region: 'us-east-1', accessKeyId: 'key', secretAccessKey: 'secret' },
  postgres: { url: 'postgres://127.0.0.1/lender' },
  salesforce: { instanceUrl: 'http://127.0.0.1:2', accessToken: 'token', clientId: 'id', clientSecret: 'secret' },
  resources: { bucket: 'bucket' },
};

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sfsync-endpoints-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('the file is for its owner only, also where a broken-off one lies', async () => {
  await writeFile(join(directory, 'endpoints.json.part'), 'half', { mode: 0o644 });
  writeEndpoints(directory, endpoints);
  const file = join(directory, 'endpoints.json');
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(endpoints);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  removeEndpoints(directory);
  expect(existsSync(file)).toBe(false);
  removeEndpoints(directory);
});

const outputs = {
  BucketName: 'bucket',
  TopicArn: 'topic',
  SalesforceToPostgresStateMachineArn: 'in',
  PostgresToSalesforceStateMachineArn: 'out',
  SweepStateMachineArn: 'sweep',
  SalesforceToPostgresDeadLetterQueueUrl: 'in-dlq',
  PostgresToSalesforceDeadLetterQueueUrl: 'out-dlq',
  ChangeQueueUrlLoanc: 'queue',
  ChangeDeadLetterQueueUrlLoanc: 'dlq',
  InboundFlowNameLoanc: 'inbound',
  OutboundFlowNameLoanc: 'outbound',
};

const both = (object: string) => ({ object, direction: 'both' }) as const;

test('outputs of the stack become resources by object', () => {
  expect(resourcesOf(outputs, [both('Loan__c')])).toEqual({
    bucket: 'bucket',
    topic: 'topic',
    'stateMachine.salesforceToPostgres': 'in',
    'stateMachine.postgresToSalesforce': 'out',
    'stateMachine.sweep': 'sweep',
    'deadLetterQueue.salesforceToPostgres': 'in-dlq',
    'deadLetterQueue.postgresToSalesforce': 'out-dlq',
    'changeQueue.Loan__c': 'queue',
    'changeDeadLetterQueue.Loan__c': 'dlq',
    'inboundFlow.Loan__c': 'inbound',
    'outboundFlow.Loan__c': 'outbound',
  });
});

test('a read-only object has an inbound flow and nothing else', () => {
  const { ChangeQueueUrlLoanc: _, ChangeDeadLetterQueueUrlLoanc: __, OutboundFlowNameLoanc: ___, ...others } = outputs;
  const resources = resourcesOf(others, [{ object: 'Loan__c', direction: 'to-postgres' }]);
  expect(Object.keys(resources).filter((name) => name.endsWith('Loan__c'))).toEqual(['inboundFlow.Loan__c']);
});

test('missing outputs are named together', () => {
  const { TopicArn: _, ...others } = outputs;
  expect(() => resourcesOf(others, [both('Loan__c'), both('Lead')])).toThrow(
    'TopicArn, InboundFlowNameLead, ChangeQueueUrlLead, ChangeDeadLetterQueueUrlLead, OutboundFlowNameLead',
  );
});

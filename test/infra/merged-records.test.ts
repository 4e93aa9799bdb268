import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { expect, test } from 'vitest';
import { defineSync, text } from '../../core/mapping/configuration.ts';
import { deletedFields } from '../../core/mapping/object-ways.ts';
import { InboundFlow } from '../../infra/inbound-flow.ts';
import { Storage } from '../../infra/storage.ts';

const OBJECTS = ['Account', 'Contact', 'Lead', 'Case', 'Individual', 'Opportunity', 'Custom__c'] as const;

test.each(OBJECTS)('the flow of %s brings what a read of its deleted records asks for', (object) => {
  const fields = { Description: text('description') };
  const configuration = defineSync({ objects: { [object]: { table: 'things', fields } } });
  const [mapping] = configuration.objects;
  if (mapping === undefined) throw new Error('there is no mapping');
  const stack = new Stack(new App({ analyticsReporting: false }), 'Test');
  const storage = new Storage(stack, 'Storage');
  const deployment = { name: 'sfsync', configuration } as never;
  new InboundFlow(stack, 'Flow', { deployment, mapping, connectionName: 'salesforce', storage });
  const [flow] = Object.values(Template.fromStack(stack).findResources('AWS::AppFlow::Flow'));
  const fieldNames = flow?.Properties.Tasks[0].SourceFields;
  expect(fieldNames).toEqual(['Id', 'IsDeleted', 'SystemModstamp', ...deletedFields(mapping), 'Description']);
  const isMergeable = !['Opportunity', 'Custom__c'].includes(object);
  expect(fieldNames.includes('MasterRecordId')).toBe(isMergeable);
});

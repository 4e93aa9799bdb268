import { expect, test } from 'vitest';
import { type InboundFlow, parseFlow } from '../../appflow/flows/flow-definition.ts';
import { buildQuery } from '../../appflow/salesforce/soql.ts';
import { INBOUND_FIELDS, inboundFlow, mapTasks } from './flow-templates.ts';

test.each<[string, Record<string, string>, string]>([
  ['EQUAL_TO', { DATA_TYPE: 'string', VALUE: "O'Neil \\ Sons" }, "F__c = 'O\\'Neil \\\\ Sons'"],
  ['NOT_EQUAL_TO', { DATA_TYPE: 'boolean', VALUE: 'true' }, 'F__c != true'],
  ['EQUAL_TO', { DATA_TYPE: 'picklist', VALUES: 'New, Old' }, "F__c IN ('New', 'Old')"],
  ['NOT_EQUAL_TO', { DATA_TYPE: 'double', VALUES: '1,2' }, 'F__c NOT IN (1, 2)'],
  ['CONTAINS', { DATA_TYPE: 'string', VALUE: '50%_' }, "F__c LIKE '%50\\%\\_%'"],
  ['GREATER_THAN', { DATA_TYPE: 'datetime', VALUE: '1767225600000' }, 'F__c > 2026-01-01T00:00:00Z'],
  ['LESS_THAN_OR_EQUAL_TO', { DATA_TYPE: 'date', VALUE: '1767225600000' }, 'F__c <= 2026-01-01'],
  ['BETWEEN', { DATA_TYPE: 'int', LOWER_BOUND: '1', UPPER_BOUND: '9' }, 'F__c >= 1 AND F__c <= 9'],
])('the filter %s becomes a condition', (operator, properties, condition) => {
  const [projection, ...maps] = mapTasks('Salesforce', [...INBOUND_FIELDS, { field: 'F__c' }]);
  const filter = {
    TaskType: 'Filter',
    SourceFields: ['F__c'],
    ConnectorOperator: { Salesforce: operator },
    TaskProperties: Object.entries(properties).map(([Key, Value]) => ({ Key, Value })),
  };
  const flow = parseFlow(inboundFlow({ tasks: [projection ?? {}, filter, ...maps] })) as InboundFlow;
  expect(buildQuery(flow, ['Id'], undefined)).toBe(`SELECT Id FROM Contact WHERE ${condition}`);
});

/** Reads records as Salesforce holds them now: before a push, after it, and where a file left a version in doubt. */
import { z } from 'zod';
import configuration from '#sync.config';
import { Storage } from '../aws/storage.ts';
import { readSalesforceInput, readSalesforceOutput } from '../core/contracts/inbound-tasks.ts';
import { mappingOf } from '../core/mapping/configuration.ts';
import { readRecordsOfFile } from '../steps/read-records.ts';
import { sharedConnection } from './connections.ts';
import { defineHandler, environment } from './handler.ts';

const { BUCKET_NAME, SALESFORCE_SECRET_ARN } = environment({
  BUCKET_NAME: z.string(),
  SALESFORCE_SECRET_ARN: z.string(),
});
const storage = new Storage(BUCKET_NAME);
const { apiReservePercent } = configuration.settings;

export const handler = defineHandler({
  input: readSalesforceInput,
  output: readSalesforceOutput,
  run: async ({ object, recordsKey, keepReserve }, { log }) => {
    const connection = await sharedConnection(SALESFORCE_SECRET_ARN);
    const reservePercent = keepReserve === true ? apiReservePercent : undefined;
    const file = { mapping: mappingOf(configuration, object), recordsKey, reservePercent };
    return readRecordsOfFile({ storage, connection, log }, file);
  },
});

/** The sample's tables and the role of its application, as `npm start` makes them. */
import { fileURLToPath } from 'node:url';
import configuration from '../../../examples/lender/sync.config.ts';
import type { ApplicationSchema } from '../../../local/postgres/application-schema.ts';

export const LENDER_SCHEMA: ApplicationSchema = {
  file: fileURLToPath(new URL('../../../examples/lender/schema.sql', import.meta.url)),
  tables: configuration.objects,
  role: 'lender',
};

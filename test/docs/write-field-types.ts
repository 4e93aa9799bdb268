/** Writes the table of docs/field-types.md: `npm run docs:field-types`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { withTable } from './field-types-table.ts';

const file = new URL('../../docs/field-types.md', import.meta.url);
writeFileSync(file, withTable(readFileSync(file, 'utf8')));

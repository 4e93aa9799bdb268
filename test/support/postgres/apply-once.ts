/** A process of its own that applies one record, as a Lambda would: `apply-once.ts <credentials> <object> <version>`, all JSON. */

import { mappedLine } from '../../../core/contracts/inbound-tasks.ts';
import { mappingOf } from '../../../core/mapping/configuration.ts';
import sample from '../../../examples/lender/sync.config.ts';
import { databaseCredentials, openSession } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';

const [credentials = '', object = '', version = ''] = process.argv.slice(2);
const session = await openSession(databaseCredentials.parse(JSON.parse(credentials)));
const configuration = { ...sample, settings: { ...sample.settings, origins: 1 } };
const context = { configuration, mapping: mappingOf(configuration, object), source: 'file', execution: 'process' };
const line = mappedLine.parse({ line: 1, version: JSON.parse(version) });
await applyVersions(session, context, [line], Date.now());
await session.end();

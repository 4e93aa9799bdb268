/** A process of its own that applies one record, as a Lambda would: `apply-once.ts <credentials> <object> <version>`, all JSON. */

import { mappedLine } from '../../../core/contracts/inbound-tasks.ts';
import sample from '../../../examples/lender/sync.config.ts';
import { databaseCredentials, openSession } from '../../../postgres/session/connection.ts';
import { applyVersions } from '../../../steps/apply.ts';
import { contextOf } from '../system/steps.ts';

const [credentials = '', object = '', version = ''] = process.argv.slice(2);
const session = await openSession(databaseCredentials.parse(JSON.parse(credentials)));
const configuration = { ...sample, settings: { ...sample.settings, origins: 1 } };
const line = mappedLine.parse({ line: 1, version: JSON.parse(version) });
await applyVersions(contextOf(session, configuration, object), 'file', [line], Date.now());
await session.end();

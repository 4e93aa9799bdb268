/** The command that starts the stream, with the options of the output plugin. */
import pg from 'pg';
import type { StreamSource } from './replication-connection.ts';
import type { StreamFacts } from './stream-facts.ts';

/** 0/0: the server begins at what the slot has confirmed. */
export function startCommand(source: StreamSource, facts: StreamFacts): string {
  const options = source.plugin === 'pgoutput' ? pgoutputOptions(source, facts) : wal2jsonOptions(source, facts);
  const list = Object.entries(options).map(([option, value]) => `"${option}" ${pg.escapeLiteral(value)}`);
  return `START_REPLICATION SLOT ${pg.escapeIdentifier(source.slot)} LOGICAL 0/0 (${list.join(', ')})`;
}

function pgoutputOptions({ names }: StreamSource, { filtersOrigins }: StreamFacts): Record<string, string> {
  return {
    proto_version: '1',
    publication_names: names.publication,
    messages: 'true',
    ...(filtersOrigins ? { origin: 'none' } : {}),
  };
}

/** It filters by the number of an origin; a name would be accepted, and filter nothing. */
function wal2jsonOptions({ mappings, names }: StreamSource, { ownOrigins }: StreamFacts): Record<string, string> {
  return {
    'format-version': '2',
    'include-xids': 'true',
    'include-lsn': 'true',
    'include-timestamp': 'true',
    'add-msg-prefixes': names.echoMessagePrefix,
    'add-tables': mappings.map(({ schema, table }) => `${schema}.${table}`).join(','),
    ...(ownOrigins.length > 0 ? { 'filter-origins': ownOrigins.join(',') } : {}),
  };
}

/** The command that starts the stream, with the options of the output plugin. */
import pg from 'pg';
import type { StreamSource } from './replication-connection.ts';

/**
 * 0/0: the server begins at what the slot has confirmed. Origins are not filtered by the server: it knows all or none, or, wal2json,
 * numbers that may pass to another feed. Our own transactions are dropped by the name of their origin, where they are read.
 */
export function startCommand(source: StreamSource): string {
  const options = source.plugin === 'pgoutput' ? pgoutputOptions(source) : wal2jsonOptions(source);
  const list = Object.entries(options).map(([option, value]) => `"${option}" ${quoteOption(value)}`);
  return `START_REPLICATION SLOT ${pg.escapeIdentifier(source.slot)} LOGICAL 0/0 (${list.join(', ')})`;
}

function pgoutputOptions({ names }: StreamSource): Record<string, string> {
  return { proto_version: '1', publication_names: names.publication, messages: 'true' };
}

function wal2jsonOptions({ mappings, names }: StreamSource): Record<string, string> {
  return {
    'format-version': '2',
    'include-xids': 'true',
    'include-lsn': 'true',
    'include-timestamp': 'true',
    'include-origin': 'true',
    'add-msg-prefixes': names.echoMessagePrefix,
    'add-tables': [...new Set(mappings.map(({ schema, table }) => `${escaped(schema)}.${escaped(table)}`))].join(','),
  };
}

/** As a replication command takes a text: to it a backslash is a letter like any other, and E'' is unknown. */
function quoteOption(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** As wal2json reads names in its lists: a backslash goes before what means something there, and harms before nothing else. */
function escaped(name: string): string {
  return name.replace(/[^A-Za-z0-9_$\u0080-\u{10ffff}]/gu, '\\$&');
}

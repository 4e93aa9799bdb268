/** Names and texts as SQL spells them, for statements whose parts cannot be parameters. */
import pg from 'pg';

/** The name of a table or column. */
export function quoteName(name: string): string {
  return pg.escapeIdentifier(name);
}

export function quoteText(text: string): string {
  return pg.escapeLiteral(text);
}

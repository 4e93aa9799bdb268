import { parseDatetime, toDatetime } from '../records/instant.ts';
import { parseId } from '../records/record-id.ts';
import { SalesforceError } from '../salesforce-error.ts';
import type { FieldDefinition } from '../schema/object-definition.ts';
import { dateLiteralSpan } from './date-literals.ts';
import { soqlError } from './soql-error.ts';

/** A value to compare a field with: one stored value, or a span of time from a date literal (end exclusive). */
export type Literal =
  | { readonly kind: 'null' }
  | { readonly kind: 'value'; readonly value: string | number | boolean }
  | { readonly kind: 'span'; readonly start: string; readonly end: string };

const TYPE_NAMES: Partial<Record<FieldDefinition['type'], string>> = {
  datetime: 'dateTime',
  currency: 'currency',
  percent: 'double',
};

/** Reads a literal of the query for a field. Throws INVALID_FIELD when it does not fit the field's type. */
export function readLiteral(
  soql: string,
  field: FieldDefinition,
  literalType: string | undefined,
  text: string,
  now: number,
): Literal {
  if (literalType === 'NULL') return { kind: 'null' };
  switch (field.type) {
    case 'datetime':
    case 'date': {
      const span = /^DATE_(N_)?LITERAL$/.test(literalType ?? '') ? dateLiteralSpan(text, now) : undefined;
      if (span !== undefined) {
        const [start, end] = [toDatetime(span.start), toDatetime(span.end)];
        const cut = field.type === 'date' ? 10 : undefined;
        return { kind: 'span', start: start.slice(0, cut), end: end.slice(0, cut) };
      }
      if (field.type === 'date' && literalType === 'DATE') return { kind: 'value', value: text };
      const ms = field.type === 'datetime' && literalType === 'DATETIME' ? parseDatetime(text) : undefined;
      if (ms === undefined) throw wrongType(soql, field, literalType);
      return { kind: 'value', value: toDatetime(ms) };
    }
    case 'boolean':
      if (literalType !== 'BOOLEAN') throw wrongType(soql, field, literalType);
      return { kind: 'value', value: text.toUpperCase() === 'TRUE' };
    case 'int':
    case 'double':
    case 'currency':
    case 'percent':
      if (!/^(INTEGER|DECIMAL)/.test(literalType ?? '')) throw wrongType(soql, field, literalType);
      return { kind: 'value', value: Number(text.replace(/^[A-Za-z]{3}/, '')) };
    case 'id':
    case 'reference': {
      if (literalType !== 'STRING') throw wrongType(soql, field, literalType);
      const written = unquote(text);
      if (written === '') return { kind: 'null' };
      const id = parseId(written);
      if (id === undefined) throw new SalesforceError('INVALID_QUERY_FILTER_OPERATOR', `invalid ID field: ${written}`);
      return { kind: 'value', value: id };
    }
    default: {
      if (literalType !== 'STRING') throw wrongType(soql, field, literalType);
      const written = unquote(text);
      return written === '' ? { kind: 'null' } : { kind: 'value', value: written };
    }
  }
}

function wrongType(soql: string, field: FieldDefinition, literalType: string | undefined): SalesforceError {
  const type = TYPE_NAMES[field.type] ?? (isTextLike(field) ? 'string' : field.type);
  const advice = isTextLike(field) ? 'should be enclosed in quotes' : 'should not be enclosed in quotes';
  const quoted = literalType === 'STRING' || isTextLike(field) ? ` and ${advice}` : '';
  const reason = `value of filter criterion for field '${field.name}' must be of type ${type}${quoted}`;
  return soqlError('INVALID_FIELD', soql, field.name, reason);
}

function isTextLike(field: FieldDefinition): boolean {
  return !['datetime', 'date', 'boolean', 'int', 'double', 'currency', 'percent'].includes(field.type);
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', f: '\f' };

/** The text of a quoted SOQL string. */
export function unquote(quoted: string): string {
  return quoted
    .replace(/^'|'$/g, '')
    .replace(/\\u([0-9a-f]{4})|\\(.)/gis, (_all, hex: string | undefined, char: string) =>
      hex === undefined ? (ESCAPES[char.toLowerCase()] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
    );
}

/** The pattern of a LIKE: `%` any text, `_` one character, both literal after a backslash; without case. */
export function likePattern(quoted: string): RegExp {
  const body = quoted
    .replace(/^'|'$/g, '')
    .replace(/\\([\s\S])|%|_|[.*+?^${}()|[\]\\/-]/g, (found, escaped?: string) => {
      if (escaped !== undefined)
        return (ESCAPES[escaped.toLowerCase()] ?? escaped).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
      if (found === '%') return '[\\s\\S]*';
      return found === '_' ? '[\\s\\S]' : `\\${found}`;
    });
  return new RegExp(`^${body}$`, 'iu');
}

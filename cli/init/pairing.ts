/** Which object goes with which table: as asked, otherwise by their names. */
import { ConfigurationError } from '../../core/errors.ts';
import { readTableName, tableNameFault } from '../../core/mapping/identifiers.ts';
import { keyColumnsOf, type ListedObject, newTable, type TableFacts } from './facts.ts';
import { bare, plural, singular, snakeCase } from './names.ts';

/** `--map Contact=public.borrowers`; without a table its name is made of the object's. */
export interface AskedPair {
  readonly object: string;
  readonly table: string | undefined;
}

export interface NamedPair {
  readonly object: string;
  readonly table: TableFacts;
}

/** Objects of Salesforce itself that a table of an application may well mean. Others are paired when asked for. */
const BUSINESS_OBJECTS = [
  ...['Account', 'Asset', 'Campaign', 'Case', 'Contact', 'Contract', 'Entitlement', 'Invoice', 'Lead', 'Opportunity'],
  ...['Order', 'Pricebook2', 'Product2', 'Quote', 'ServiceContract', 'WorkOrder'],
];

/** Throws ConfigurationError for an object that the org does not list, and for a name that is no table's. */
export function askedPairs(
  asked: readonly AskedPair[],
  objects: readonly ListedObject[],
  tables: readonly TableFacts[],
): NamedPair[] {
  return asked.map(({ object: given, table }) => {
    const object = objects.find(({ name }) => name.toLowerCase() === given.toLowerCase())?.name;
    if (object === undefined) {
      throw new ConfigurationError('NO_OBJECT', `Salesforce lists no object ${given}, or our user may not see it.`);
    }
    return { object, table: tableNamed(table ?? plural(snakeCase(object)), tables) };
  });
}

/** The table of that name, with or without its schema; one that does not exist is to be made. */
function tableNamed(given: string, tables: readonly TableFacts[]): TableFacts {
  const { schema, table: name } = readTableName(given) ?? { schema: '', table: '' };
  const found = tables.find((table) => table.schema === schema && table.name === name);
  if (found !== undefined) return found;
  const fault = tableNameFault(given);
  if (fault === undefined) return newTable(schema, name);
  throw new ConfigurationError('NO_TABLE', `${given} ${fault}.`);
}

/** An object and a table of the same name, singular or plural; the schema `public` goes before others. */
export function pairsByName(objects: readonly ListedObject[], tables: readonly TableFacts[]): NamedPair[] {
  const taken = new Set<TableFacts>();
  return objects.flatMap(({ name: object, label, labelPlural }) => {
    if (!object.endsWith('__c') && !BUSINESS_OBJECTS.includes(object)) return [];
    const names = new Set([object, label, labelPlural].map((name) => singular(bare(name))));
    const [table] = tables
      .filter((each) => names.has(singular(bare(each.name))) && !taken.has(each) && isMappable(each))
      .sort((a, b) => Number(b.schema === 'public') - Number(a.schema === 'public'));
    if (table === undefined) return [];
    taken.add(table);
    return [{ object, table }];
  });
}

function isMappable(table: TableFacts): boolean {
  return keyColumnsOf(table).length > 0;
}

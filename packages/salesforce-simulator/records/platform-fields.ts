import type { Org } from '../org.ts';
import type { FieldValue, FieldValues } from '../schema/object-definition.ts';
import type { ObjectSchema } from '../schema/org-schema.ts';
import { ordinalOf } from './record-id.ts';

/** The parts of a person's name in the order in which the platform joins them; a salutation is none of them. */
const NAME_PARTS = ['FirstName', 'MiddleName', 'LastName', 'Suffix'];

/**
 * What the platform sets by itself when a record is saved, from the record as it would be stored and the names of the
 * fields that the client gave: automatic numbers, a person's full name, and what follows from the stage of an opportunity.
 */
export function platformFields(org: Org, object: ObjectSchema, values: FieldValues, given: ReadonlySet<string>) {
  const set = {
    ...numbers(object, values),
    ...fullName(object, values),
    ...(object.name === 'Opportunity' ? ofStage(org, values, given) : {}),
  };
  // An org may lack a standard field, or its describe may not show it.
  return Object.fromEntries(Object.entries(set).filter(([name]) => name in values));
}

function numbers({ fields }: ObjectSchema, values: FieldValues): FieldValues {
  const numbered = fields.filter(({ name, autoNumber }) => autoNumber === true && (values[name] ?? null) === null);
  return Object.fromEntries(numbered.map(({ name }) => [name, String(ordinalOf(String(values.Id))).padStart(8, '0')]));
}

function fullName({ fields }: ObjectSchema, values: FieldValues): FieldValues {
  // Of an account: it is a person.
  const isPerson = values.IsPersonAccount === true;
  const name = fields.find(
    (field) => field.nameField === true && (field.readOnly === true || isPerson) && field.type === 'string',
  );
  const parts = fields.filter(
    (field) => field.compoundFieldName !== undefined && field.compoundFieldName === name?.name,
  );
  if (name === undefined || parts.length === 0) return {};
  const given = NAME_PARTS.filter((part) => parts.some((field) => field.name === part)).map((part) => values[part]);
  return { [name.name]: given.filter((part) => part).join(' ') };
}

/** The stage sets probability and forecast unless the client gives them; what follows from them is never given. */
function ofStage(org: Org, values: FieldValues, given: ReadonlySet<string>): Record<string, FieldValue> {
  const stage = org.stages.find(({ ApiName }) => ApiName === values.StageName);
  const byStage = given.has('StageName') && !given.has('Probability') && stage !== undefined;
  const probability = byStage ? stage.DefaultProbability : (values.Probability ?? null);
  const amount = values.Amount ?? null;
  const forecast = stage?.ForecastCategoryName ?? 'Pipeline';
  const keepForecast = given.has('ForecastCategoryName') || !given.has('StageName');
  return {
    Probability: probability,
    ExpectedRevenue: amount === null || probability === null ? null : (Number(amount) * Number(probability)) / 100,
    IsClosed: stage?.IsClosed ?? false,
    IsWon: stage?.IsWon ?? false,
    ForecastCategoryName: keepForecast ? (values.ForecastCategoryName ?? forecast) : forecast,
  };
}

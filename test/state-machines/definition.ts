import { readFileSync } from 'node:fs';

export type Pipeline = 'salesforce-to-postgres' | 'postgres-to-salesforce' | 'sweep';
export const PIPELINES = ['salesforce-to-postgres', 'postgres-to-salesforce', 'sweep'] as const;

/** As much of ASL as the checks look at. */
export interface StateList {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
}
export interface Definition extends StateList {
  readonly Comment?: string;
  readonly QueryLanguage?: string;
}
export interface State {
  readonly Type: string;
  readonly Comment?: string;
  readonly Resource?: string;
  readonly Arguments?: { readonly FunctionName?: string };
  readonly TimeoutSeconds?: number;
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly { readonly ErrorEquals: readonly string[]; readonly Next: string }[];
  readonly Choices?: readonly { readonly Condition: string; readonly Next: string }[];
  readonly Default?: string;
  readonly ItemProcessor?: StateList;
}
export interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds?: number;
  readonly BackoffRate?: number;
  readonly MaxAttempts: number;
  readonly MaxDelaySeconds?: number;
  readonly JitterStrategy?: string;
}

/** The file as it is deployed, placeholders and all. */
export function definitionText(pipeline: Pipeline): string {
  return readFileSync(new URL(`../../state-machines/${pipeline}.asl.json`, import.meta.url), 'utf8');
}

export function readDefinition(pipeline: Pipeline): Definition {
  return JSON.parse(definitionText(pipeline));
}

/** All states, those of Map states too. */
export function statesOf(list: StateList): [string, State][] {
  return Object.entries(list.States).flatMap(([name, state]) => [
    [name, state],
    ...(state.ItemProcessor === undefined ? [] : statesOf(state.ItemProcessor)),
  ]);
}

/** Names of the `${Name}` in the text. */
export function placeholders(text: string): Set<string> {
  return new Set([...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name));
}

/** As CloudFormation does it: plain text for plain text. */
export function substitute(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\{(\w+)\}/g, (placeholder, name: string) => values[name] ?? placeholder);
}

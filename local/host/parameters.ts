import { type Template, TemplateFault } from './template.ts';

/** Where the stack is taken to stand: what the pseudo parameters answer. */
export interface StackPlace {
  readonly stackName: string;
  readonly region: string;
  readonly account: string;
}

/**
 * Every parameter's value by its name: given, or its default; list types are split at commas. Pseudo parameters included.
 * Throws TemplateFault that lists all parameters without a value and all values without a parameter.
 */
export function parameterValues(
  template: Template,
  given: Readonly<Record<string, string>>,
  place: StackPlace,
): ReadonlyMap<string, string | readonly string[]> {
  const values = new Map<string, string | readonly string[]>(Object.entries(pseudoParameters(place)));
  const faults: string[] = [];
  for (const [name, { type, default: byDefault }] of template.parameters) {
    const value = given[name] ?? byDefault;
    if (value === undefined) faults.push(`parameter ${name} has no value`);
    else
      values.set(name, /^(List<|CommaDelimitedList$)/.test(type) ? value.split(',').map((part) => part.trim()) : value);
  }
  for (const name of Object.keys(given)) {
    if (!template.parameters.has(name)) faults.push(`a value is given for ${name}, which is not a parameter`);
  }
  if (faults.length > 0) throw new TemplateFault(`The template's parameters: ${faults.join('; ')}`);
  return values;
}

function pseudoParameters({ stackName, region, account }: StackPlace): Record<string, string> {
  return {
    'AWS::AccountId': account,
    'AWS::Partition': 'aws',
    'AWS::Region': region,
    'AWS::StackId': `arn:aws:cloudformation:${region}:${account}:stack/${stackName}/local`,
    'AWS::StackName': stackName,
    'AWS::URLSuffix': 'amazonaws.com',
  };
}

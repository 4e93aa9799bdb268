import type { Assignments, Catcher, Retrier } from './definition.ts';
import type { Fields } from './definition-fields.ts';

const VARIABLE_NAME = /^[\p{ID_Start}_][\p{ID_Continue}_]{0,79}$/u;

/** Reads `Assign`: names of variables with their templates. */
export function readAssign(fields: Fields): Assignments | undefined {
  const assign = fields.objectTemplate('Assign');
  for (const name of Object.keys(assign ?? {})) {
    if (!VARIABLE_NAME.test(name) || name === 'states') {
      fields.fault(`'${name}' cannot be the name of a variable`, undefined, '/Assign');
    }
  }
  return assign;
}

/** Reads `Retry` and `Catch`. */
export function readGuards(fields: Fields): { retry: Retrier[]; catch: Catcher[] } {
  return {
    retry: refuseEarlyAll(fields.objects('Retry'), readRetrier),
    catch: refuseEarlyAll(fields.objects('Catch'), readCatcher),
  };
}

/** `States.ALL` stands alone, and in the last rule: whatever followed it could never be reached. */
function refuseEarlyAll<T extends { readonly errorEquals: readonly string[] }>(
  rules: readonly Fields[],
  read: (fields: Fields) => T,
): T[] {
  return rules.map((fields, index) => {
    const rule = read(fields);
    const all = rule.errorEquals.includes('States.ALL');
    if (all && rule.errorEquals.length > 1) fields.fault("'States.ALL' must stand alone", undefined, '/ErrorEquals');
    if (all && index < rules.length - 1)
      fields.fault("'States.ALL' must be in the last rule", undefined, '/ErrorEquals');
    fields.text('Comment');
    fields.refuseOthers();
    return rule;
  });
}

function readRetrier(fields: Fields): Retrier {
  const jitter = fields.text('JitterStrategy') ?? 'NONE';
  if (jitter !== 'FULL' && jitter !== 'NONE') fields.fault('Expected FULL or NONE', undefined, '/JitterStrategy');
  return {
    errorEquals: fields.strings('ErrorEquals'),
    intervalSeconds: fields.number('IntervalSeconds', 1, true) ?? 1,
    maxAttempts: fields.number('MaxAttempts', 0, true) ?? 3,
    backoffRate: fields.number('BackoffRate', 1, false) ?? 2,
    maxDelaySeconds: fields.number('MaxDelaySeconds', 1, true),
    jitter: jitter === 'FULL' ? 'FULL' : 'NONE',
  };
}

function readCatcher(fields: Fields): Catcher {
  return {
    errorEquals: fields.strings('ErrorEquals'),
    output: fields.template('Output'),
    assign: readAssign(fields),
    next: fields.required('Next'),
  };
}

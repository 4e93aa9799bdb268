import { type Condition, compileConditions, type RequestContext } from './policy-condition.ts';
import { type Pattern, pattern } from './wildcard.ts';

/** A statement of an identity-based policy, as templates hold it with all references resolved. */
export interface PolicyStatement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly NotResource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** What a call asks for. A resource that has several spellings tests a pattern itself. */
export interface Permission {
  readonly action: string;
  /** As messages name it. */
  readonly resource: string;
  readonly matchesResource: (pattern: Pattern) => boolean;
}

export interface CompiledStatement {
  readonly effect: 'Allow' | 'Deny';
  applies(permission: Permission, context: RequestContext): boolean;
}

/** Throws when the statement holds something that this evaluator does not know: it must not be taken for a permission. */
export function compileStatement(statement: PolicyStatement): CompiledStatement {
  const { Effect: effect } = statement;
  if (effect !== 'Allow' && effect !== 'Deny') throw fault(statement, 'Effect must be Allow or Deny');
  const actions = elements(statement, 'Action', true);
  const resources = elements(statement, 'Resource', false);
  const conditions: readonly Condition[] = compileConditions(statement.Condition ?? {});
  return {
    effect,
    applies(permission, context) {
      const action = actions.patterns.some((each) => each.matches(permission.action)) !== actions.inverted;
      if (!action) return false;
      const resource = resources.patterns.some((each) => permission.matchesResource(each)) !== resources.inverted;
      return resource && conditions.every((condition) => condition(context));
    },
  };
}

interface Elements {
  readonly patterns: readonly Pattern[];
  readonly inverted: boolean;
}

/** `Action` or `NotAction`: exactly one of the two has to be there. */
function elements(statement: PolicyStatement, name: 'Action' | 'Resource', ignoreCase: boolean): Elements {
  const plain = statement[name];
  const inverted = statement[`Not${name}`];
  const given = plain ?? inverted;
  if (given === undefined || (plain !== undefined && inverted !== undefined)) {
    throw fault(statement, `exactly one of ${name} and Not${name} is needed`);
  }
  const texts = [given].flat();
  for (const text of texts) {
    if (typeof text !== 'string')
      throw fault(statement, `${name} holds ${JSON.stringify(text)}, which is not resolved`);
  }
  return { patterns: texts.map((text) => pattern(text, ignoreCase)), inverted: plain === undefined };
}

function fault(statement: PolicyStatement, reason: string): Error {
  return new Error(`policy statement ${JSON.stringify(statement)}: ${reason}`);
}

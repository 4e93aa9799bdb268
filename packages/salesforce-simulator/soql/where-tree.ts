import type { ConditionWithValueQuery, WhereClause } from '@jetstreamapp/soql-parser-js';
import { malformedQuery } from './soql-error.ts';

/** A WHERE clause as a tree. */
export type WhereTree<Test> =
  | { readonly kind: 'all' | 'any'; readonly parts: readonly WhereTree<Test>[] }
  | { readonly kind: 'not'; readonly part: WhereTree<Test> }
  | { readonly kind: 'test'; readonly test: Test };

type ParsedTest = Exclude<ConditionWithValueQuery, { openParen: number }>;
type Token = '(' | ')' | 'AND' | 'OR' | 'NOT' | ParsedTest;

/** The parser answers a chain of conditions with counted parentheses; this lists them in the order of the text. */
function tokens(where: WhereClause): Token[] {
  const found: Token[] = [];
  for (let at: WhereClause | undefined = where; at !== undefined; ) {
    const { left } = at;
    for (let i = 0; i < (left?.openParen ?? 0); i++) found.push('(');
    if (left !== null && 'operator' in left) {
      found.push(left);
      for (let i = 0; i < (left.closeParen ?? 0); i++) found.push(')');
    }
    if (!('operator' in at)) break;
    found.push(at.operator);
    at = at.right;
  }
  return found;
}

/** Builds the tree. Throws MALFORMED_QUERY where AND and OR meet without parentheses, as Salesforce does. */
export function whereTree(where: WhereClause): WhereTree<ParsedTest> {
  const list = tokens(where);
  let at = 0;
  const expression = (): WhereTree<ParsedTest> => {
    const parts = [term()];
    let joined: Token | undefined;
    for (let next = list[at]; next === 'AND' || next === 'OR'; next = list[at]) {
      if (joined !== undefined && joined !== next) throw malformedQuery(`unexpected token: '${next}'`);
      joined = next;
      at++;
      parts.push(term());
    }
    return parts.length === 1 ? parts[0]! : { kind: joined === 'AND' ? 'all' : 'any', parts };
  };
  const term = (): WhereTree<ParsedTest> => {
    const token = list[at++];
    if (token === 'NOT') return { kind: 'not', part: term() };
    if (token === '(') {
      const inner = expression();
      if (list[at++] !== ')') throw malformedQuery("expecting a right parentheses, found '<EOF>'");
      return inner;
    }
    if (token === undefined || typeof token === 'string')
      throw malformedQuery(`unexpected token: '${token ?? '<EOF>'}'`);
    return { kind: 'test', test: token };
  };
  const tree = expression();
  if (at < list.length) throw malformedQuery("unexpected token: ')'");
  return tree;
}

export function mapTree<From, To>(tree: WhereTree<From>, map: (test: From) => To): WhereTree<To> {
  if (tree.kind === 'test') return { kind: 'test', test: map(tree.test) };
  if (tree.kind === 'not') return { kind: 'not', part: mapTree(tree.part, map) };
  return { kind: tree.kind, parts: tree.parts.map((part) => mapTree(part, map)) };
}

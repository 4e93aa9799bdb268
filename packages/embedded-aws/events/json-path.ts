/**
 * The part of JSONPath that EventBridge knows in `InputPath` and `InputPathsMap`: `$`, `.name`, `['name']`, `[0]` and
 * the wildcard `*`.
 */
export interface JsonPath {
  /** The value there; undefined when there is none. A path with a wildcard gives the list of what it finds. */
  valueIn(document: unknown): unknown;
}

type Step = string | number | typeof EVERY;
const EVERY = Symbol('every');

/** The compiled path; undefined when `text` is not one. */
export function jsonPath(text: string): JsonPath | undefined {
  if (!text.startsWith('$')) return undefined;
  const steps: Step[] = [];
  const token = /\.([^.[\]*]+)|\['([^']+)'\]|\["([^"]+)"\]|\[(\d+)\]|(\.\*|\[\*\])/y;
  token.lastIndex = 1;
  while (token.lastIndex < text.length) {
    const found = token.exec(text);
    if (found === null) return undefined;
    const [, dotted, single, double, index] = found;
    const name = dotted ?? single ?? double;
    steps.push(name ?? (index === undefined ? EVERY : Number(index)));
  }
  return { valueIn: (document) => valueAt(document, steps) };
}

function valueAt(document: unknown, steps: readonly Step[]): unknown {
  const [step, ...rest] = steps;
  if (step === undefined) return document;
  if (typeof document !== 'object' || document === null) return undefined;
  if (step === EVERY) {
    const found = Object.values(document).map((member) => valueAt(member, rest));
    return found.filter((value) => value !== undefined);
  }
  if (typeof step === 'number') return Array.isArray(document) ? valueAt(document[step], rest) : undefined;
  return Object.hasOwn(document, step) ? valueAt((document as Record<string, unknown>)[step], rest) : undefined;
}

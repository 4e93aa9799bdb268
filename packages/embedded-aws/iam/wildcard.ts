/** A text in which `*` stands for any characters and `?` for one. */
export interface Pattern {
  readonly text: string;
  matches(value: string): boolean;
}

export function pattern(text: string, ignoreCase = false): Pattern {
  const source = text
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const expression = new RegExp(`^${source}$`, ignoreCase ? 'is' : 's');
  return { text, matches: (value) => expression.test(value) };
}

/** Every relative link in a document leads to a file of the repository, and its anchor to a heading there. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
/** What is installed or made. */
const SKIPPED = /(^|\/)(node_modules|dist|\.[^/]*)$/;

const documents = globSync('**/*.md', { cwd: ROOT, exclude: (path) => SKIPPED.test(path) }).sort();

interface Link {
  readonly target: string;
  readonly anchor: string | undefined;
}

function linksOf(markdown: string): Link[] {
  return [...withoutCode(markdown).matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)/g)].map(
    ([, target = '', anchor]) => ({ target, anchor }),
  );
}

/** Fenced blocks keep their lines out of the way; a `#` in them is no heading. */
function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^```[^\n]*\n[\s\S]*?^```$/gm, '');
}

/** As GitHub makes them: lower case, without punctuation, a hyphen for each space, a number for each repetition. */
function anchorsOf(markdown: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of withoutCode(markdown).matchAll(/^#{1,6} (.+)$/gm)) {
    const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    const anchor = text
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-');
    let repetition = 0;
    while (anchors.has(repetition === 0 ? anchor : `${anchor}-${repetition}`)) repetition++;
    anchors.add(repetition === 0 ? anchor : `${anchor}-${repetition}`);
  }
  return anchors;
}

function broken(document: string): string[] {
  const markdown = readFileSync(join(ROOT, document), 'utf8');
  return linksOf(markdown)
    .filter(({ target, anchor }) => {
      const path = target === '' ? document : join(dirname(document), target);
      if (!existsSync(join(ROOT, path))) return true;
      if (anchor === undefined || !path.endsWith('.md')) return false;
      return !anchorsOf(readFileSync(join(ROOT, path), 'utf8')).has(anchor);
    })
    .map(({ target, anchor }) => (anchor === undefined ? target : `${target}#${anchor}`));
}

test.each(documents)('%s', (document) => {
  expect(broken(document)).toEqual([]);
});

test('a link is found, with its anchor; one to a website, or in a block of code, is not', () => {
  const markdown = 'See [one](a.md), [two](b.md#c) and [three](#d), not [four](https://e).\n```md\n[five](f.md)\n```\n';
  expect(linksOf(markdown)).toEqual([
    { target: 'a.md', anchor: undefined },
    { target: 'b.md', anchor: 'c' },
    { target: '', anchor: 'd' },
  ]);
  expect([...anchorsOf('# A [b](c) `d`, e?\n## Same\n## Same\n')]).toEqual(['a-b-d-e', 'same', 'same-1']);
});

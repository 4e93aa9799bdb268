import { readFile } from 'node:fs/promises';

/** The code blocks of a page under `docs/`, in their order, in this language. */
export async function codeBlocks(page: string, language: string): Promise<string[]> {
  const text = await readFile(new URL(`../../../docs/${page}`, import.meta.url), 'utf8');
  const fence = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, 'gm');
  return [...text.matchAll(fence)].map(([, block = '']) => block.trim());
}

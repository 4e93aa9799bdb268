import { TemplateFault } from './template.ts';

/**
 * What a container of this image runs: the last ENTRYPOINT and CMD in exec form. Throws TemplateFault for the shell form,
 * which hides the process from signals, and for an image without either.
 */
export function commandOf(dockerfile: string): readonly string[] {
  // A backslash at the end of a line continues it.
  const lines = dockerfile.replaceAll(/\\\r?\n/g, ' ').split(/\r?\n/);
  const last = (instruction: string): readonly string[] => {
    const line = lines.findLast((candidate) => new RegExp(`^\\s*${instruction}\\s`, 'i').test(candidate));
    return line === undefined ? [] : execForm(line.trim().slice(instruction.length).trim(), instruction);
  };
  const command = [...last('ENTRYPOINT'), ...last('CMD')];
  if (command.length === 0) throw new TemplateFault('The Dockerfile has neither ENTRYPOINT nor CMD: nothing to run');
  return command;
}

function execForm(argument: string, instruction: string): readonly string[] {
  let words: unknown;
  try {
    words = JSON.parse(argument);
  } catch {
    words = undefined;
  }
  if (Array.isArray(words) && words.every((word) => typeof word === 'string')) return words;
  throw new TemplateFault(`Write ${instruction} of the Dockerfile in exec form (["node", "main.ts"]), not ${argument}`);
}

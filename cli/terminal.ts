/** What a command says, and to whom: results on standard output, progress on standard error while a person looks. */
export interface Terminal {
  print(line: string): void;
  /** Draws over the last progress; undefined clears it. Nothing where there is no terminal. */
  progress(line: string | undefined): void;
}

const CLEAR_LINE = '\r\u001b[K';

export const processTerminal: Terminal = {
  print(line) {
    this.progress(undefined);
    process.stdout.write(`${line}\n`);
  },
  progress(line) {
    if (process.stderr.isTTY !== true) return;
    process.stderr.write(`${CLEAR_LINE}${line ?? ''}`);
  },
};

const BAR_CELLS = 24;

/** `[######        ] 25 %`. More than all, which approximate counts may say, is all. */
export function progressBar(done: number, all: number): string {
  const share = all <= 0 ? 1 : Math.min(1, done / all);
  const filled = Math.round(share * BAR_CELLS);
  return `[${'#'.repeat(filled)}${' '.repeat(BAR_CELLS - filled)}] ${Math.floor(share * 100)} %`;
}

/** `1 message`, `2 messages`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

import { expect, test } from 'vitest';
import { commandOf } from '../../../local/host/dockerfile.ts';

test.each([
  ['FROM node\nENTRYPOINT ["node", "wal-streamer/main.ts"]\n', ['node', 'wal-streamer/main.ts']],
  ['FROM node\nENTRYPOINT ["node"]\nCMD ["main.ts"]\n', ['node', 'main.ts']],
  ['CMD ["old"]\nFROM node\ncmd ["new"]\n', ['new']],
  ['ENTRYPOINT ["node", \\\n  "main.ts"]', ['node', 'main.ts']],
])('%j runs %j', (dockerfile, command) => {
  expect(commandOf(dockerfile)).toEqual(command);
});

test.each([
  ['FROM node\nRUN npm ci\n', 'neither ENTRYPOINT nor CMD'],
  ['ENTRYPOINT node main.ts', 'Write ENTRYPOINT of the Dockerfile in exec form'],
])('%j is refused', (dockerfile, message) => {
  expect(() => commandOf(dockerfile)).toThrow(message);
});

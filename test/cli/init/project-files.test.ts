import { describe, expect, test } from 'vitest';
import { changedIgnores, changedManifest } from '../../../cli/init/project-files.ts';

describe('package.json', () => {
  test('of npm init gets the scripts and becomes a module', () => {
    const { manifest, changed, kept } = changedManifest(
      { name: 'team', type: 'commonjs', scripts: { test: 'x' } },
      false,
      false,
    );
    expect(manifest).toEqual({
      name: 'team',
      type: 'module',
      scripts: {
        test: 'x',
        dev: 'sfsync dev',
        synth: 'cdk synth --quiet',
        check: 'sfsync check',
        typecheck: 'tsc --noEmit',
      },
    });
    expect(changed).toContain('"type": "module" (was "commonjs")');
    expect(kept).toEqual([]);
  });

  test('keeps a script of that name, and its type beside other code, unless forced', () => {
    const before = { type: 'commonjs', scripts: { dev: 'rails server' } };
    const { manifest, kept } = changedManifest(before, true, false);
    expect(manifest).toMatchObject({ type: 'commonjs', scripts: { dev: 'rails server', check: 'sfsync check' } });
    expect(kept).toEqual([expect.stringContaining('"type": "commonjs"'), 'script dev: rails server']);
    expect(changedManifest(before, true, true)).toMatchObject({
      manifest: { type: 'module', scripts: { dev: 'sfsync dev' } },
      kept: [],
    });
  });

  test('is left as it is when nothing is missing', () => {
    const { manifest } = changedManifest({}, false, false);
    expect(changedManifest(manifest, true, false)).toEqual({ manifest, changed: [], kept: [] });
  });
});

test('.gitignore gets the lines that it lacks', () => {
  expect(changedIgnores('')).toBe('node_modules/\n.local/\ncdk.out/\n');
  expect(changedIgnores('/node_modules\n*.log')).toBe('/node_modules\n*.log\n.local/\ncdk.out/\n');
  expect(changedIgnores('node_modules/\n.local\ncdk.out\n')).toBeUndefined();
});

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Template } from 'aws-cdk-lib/assertions';

export const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** A resource as the template spells it; what is asserted on is looked up by name. */
export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DependsOn?: string | readonly string[];
  readonly DeletionPolicy?: string;
}

/** What `node infra/app.ts --out <directory>` writes for the sample. */
export class Assembly implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'sfsync-assembly-'));
  readonly template: Template;

  constructor() {
    execFileSync(
      process.execPath,
      ['infra/app.ts', '--config', 'examples/lender/sync.config.ts', '--out', this.directory],
      {
        cwd: PROJECT,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.template = Template.fromJSON(this.#json('sfsync.template.json'));
  }

  /** Resources of a type by logical id. */
  readonly resources = (type: string): [string, Resource][] =>
    Object.entries(this.template.findResources(type)) as [string, Resource][];

  /** The one resource of a type whose logical id starts so. Throws when there is none, or more than one. */
  readonly resource = (type: string, idPrefix: string): [string, Resource] => {
    const found = this.resources(type).filter(([id]) => id.startsWith(idPrefix));
    const [only] = found;
    if (only === undefined || found.length > 1)
      throw new Error(`${found.length} resources ${type} start with ${idPrefix}`);
    return only;
  };

  /** The directory of an asset by the key that the template names. */
  asset(s3Key: string): string {
    const directory = join(this.directory, `asset.${s3Key.replace(/\.zip$/, '')}`);
    if (!existsSync(directory)) throw new Error(`the assembly has no ${directory}`);
    return directory;
  }

  #json(file: string) {
    return JSON.parse(readFileSync(join(this.directory, file), 'utf8'));
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

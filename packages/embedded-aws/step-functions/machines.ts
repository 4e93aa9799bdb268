import type { DatabaseSync } from 'node:sqlite';
import { transaction } from '../transaction.ts';

/** A state machine as it is stored. */
export interface StoredMachine {
  readonly arn: string;
  readonly name: string;
  readonly createdAt: number;
  readonly revisionId: string;
  readonly definition: string;
  readonly roleArn: string;
  /** Logging and tracing, as they were given: kept to be described again, nothing else. */
  readonly settings: string;
  readonly tags: string;
}

/** What an execution runs: the definition and role of the moment it was started. */
export interface Revision {
  readonly id: string;
  readonly definition: string;
  readonly roleArn: string;
  readonly at: number;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS sfn_revision (
    id TEXT PRIMARY KEY, machine_arn TEXT NOT NULL, definition TEXT NOT NULL, role_arn TEXT NOT NULL, at REAL NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS sfn_machine (
    arn TEXT PRIMARY KEY, name TEXT NOT NULL, created_at REAL NOT NULL, revision_id TEXT NOT NULL,
    settings TEXT NOT NULL, tags TEXT NOT NULL
  ) STRICT;`;

const SELECT = `
  SELECT m.arn, m.name, m.created_at AS createdAt, m.revision_id AS revisionId, m.settings, m.tags,
         r.definition, r.role_arn AS roleArn
  FROM sfn_machine m JOIN sfn_revision r ON r.id = m.revision_id`;

/** The state machines in the store, with the revisions that executions may still need. */
export class Machines {
  readonly #store: DatabaseSync;

  constructor(store: DatabaseSync) {
    this.#store = store;
    store.exec(SCHEMA);
  }

  get(arn: string): StoredMachine | undefined {
    return this.#store.prepare(`${SELECT} WHERE m.arn = ?`).get(arn) as StoredMachine | undefined;
  }

  list(): StoredMachine[] {
    return this.#store.prepare(`${SELECT} ORDER BY m.name`).all() as unknown as StoredMachine[];
  }

  add(machine: StoredMachine): void {
    transaction(this.#store, () => {
      this.#addRevision(machine.arn, { ...machine, id: machine.revisionId, at: machine.createdAt });
      this.#store
        .prepare(
          'INSERT INTO sfn_machine (arn, name, created_at, revision_id, settings, tags) VALUES (?, ?, ?, ?, ?, ?)',
        )
        .run(machine.arn, machine.name, machine.createdAt, machine.revisionId, machine.settings, machine.tags);
    });
  }

  /** Gives a machine another definition or role; the revisions before stay for the executions that run them. */
  revise(arn: string, revision: Revision, settings: string): void {
    transaction(this.#store, () => {
      this.#addRevision(arn, revision);
      this.#store
        .prepare('UPDATE sfn_machine SET revision_id = ?, settings = ? WHERE arn = ?')
        .run(revision.id, settings, arn);
    });
  }

  #addRevision(arn: string, revision: Revision): void {
    this.#store
      .prepare('INSERT INTO sfn_revision (id, machine_arn, definition, role_arn, at) VALUES (?, ?, ?, ?, ?)')
      .run(revision.id, arn, revision.definition, revision.roleArn, revision.at);
  }

  setTags(arn: string, tags: string): void {
    this.#store.prepare('UPDATE sfn_machine SET tags = ? WHERE arn = ?').run(tags, arn);
  }

  revision(id: string): Revision {
    const row = this.#store
      .prepare('SELECT id, definition, role_arn AS roleArn, at FROM sfn_revision WHERE id = ?')
      .get(id) as Revision | undefined;
    if (row === undefined) throw new Error(`the store has no revision ${id} of a state machine`);
    return row;
  }

  /** Forgets the revisions that neither a machine nor an execution has. */
  forgetUnusedRevisions(): void {
    this.#store.exec(`
      DELETE FROM sfn_revision WHERE id NOT IN (SELECT revision_id FROM sfn_machine)
        AND id NOT IN (SELECT revision_id FROM sfn_execution)`);
  }

  delete(arn: string): void {
    transaction(this.#store, () => {
      this.#store.prepare('DELETE FROM sfn_machine WHERE arn = ?').run(arn);
      this.#store.prepare('DELETE FROM sfn_revision WHERE machine_arn = ?').run(arn);
    });
  }
}

import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { OrgIdentity } from './org.ts';
import { nthId } from './records/record-id.ts';
import { accessToken } from './sessions.ts';

/** What an org keeps besides records: who it is, and whether its sample was loaded. */
export class OrgSettings {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    database.exec('CREATE TABLE IF NOT EXISTS org_setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID');
  }

  get(name: string): string | undefined {
    const row = this.#database.prepare('SELECT value FROM org_setting WHERE name = ?').get(name);
    return row === undefined ? undefined : String(row.value);
  }

  set(name: string, value: string): void {
    this.#database.prepare('INSERT OR REPLACE INTO org_setting (name, value) VALUES (?, ?)').run(name, value);
  }

  /** The identity of this org; secrets are made when it is first opened and stay the same afterwards. */
  identity(): OrgIdentity {
    const organizationId = nthId('00D', 1);
    const once = (name: string, make: () => string) => {
      const known = this.get(name);
      if (known !== undefined) return known;
      const made = make();
      this.set(name, made);
      return made;
    };
    return {
      organizationId,
      userId: nthId('005', 1),
      username: 'integration@lender.example',
      password: once('password', () => randomBytes(12).toString('hex')),
      clientId: once('clientId', () => `3MVG9${randomBytes(30).toString('hex')}`),
      clientSecret: once('clientSecret', () => randomBytes(32).toString('hex').toUpperCase()),
      accessToken: once('accessToken', () => accessToken(organizationId)),
      refreshToken: once('refreshToken', () => `5Aep861${randomBytes(30).toString('hex')}`),
    };
  }
}

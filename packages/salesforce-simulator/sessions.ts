import { randomBytes } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';

/** An unused session ends after two hours, as is the default of an org. */
const SESSION_MS = 2 * 60 * 60 * 1000;

/** Access tokens that were issued. They survive a restart and end when unused for two hours. */
export class Sessions {
  readonly #database: DatabaseSync;
  readonly #expiry = new Map<string, number>();
  readonly #organizationId: string;
  readonly #permanent: string;

  /** `permanent` is the org's own token, which never ends. */
  constructor(database: DatabaseSync, organizationId: string, permanent: string) {
    this.#database = database;
    this.#organizationId = organizationId;
    this.#permanent = permanent;
    database.exec('CREATE TABLE IF NOT EXISTS org_session (token TEXT PRIMARY KEY, expires_at INTEGER NOT NULL)');
    for (const row of database.prepare('SELECT token, expires_at FROM org_session').iterate())
      this.#expiry.set(String(row.token), Number(row.expires_at));
  }

  /** A new access token, `<organization id, 15 characters>!<secret>`. */
  issue(now: number): string {
    const token = accessToken(this.#organizationId);
    this.#expiry.set(token, now + SESSION_MS);
    this.#database.prepare('INSERT INTO org_session (token, expires_at) VALUES (?, ?)').run(token, now + SESSION_MS);
    return token;
  }

  /** Whether the token is good; using it prolongs it (in memory only: a restart may shorten an idle session). */
  isValid(token: string, now: number): boolean {
    if (token === this.#permanent) return true;
    const expiresAt = this.#expiry.get(token);
    if (expiresAt === undefined || expiresAt <= now) return false;
    this.#expiry.set(token, now + SESSION_MS);
    return true;
  }

  /** Ends one session; answers whether there was one. */
  revoke(token: string): boolean {
    this.#database.prepare('DELETE FROM org_session WHERE token = ?').run(token);
    return this.#expiry.delete(token);
  }

  /** Ends all sessions except the org's own token. */
  revokeAll(): void {
    this.#database.exec('DELETE FROM org_session');
    this.#expiry.clear();
  }
}

/** A random token in the form that clients check: `00D...!` and word characters. */
export function accessToken(organizationId: string): string {
  return `${organizationId.slice(0, 15)}!AQ${randomBytes(40).toString('hex')}`;
}

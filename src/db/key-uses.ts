// When credentials were last used, gathered in memory and told to the database from time to time: a column that people look
// at, without a write per request. What is lost when a process dies are the uses of its last minute, and no decision.

import type { KeyId, TenantId } from '../ids.ts';
import { noteKeyUses } from './keys.ts';
import type { OpenContext } from './sealed-connection.ts';
import { type Database, withService } from './session.ts';

const EVERY_MS = 60_000;

/** Uses told in one statement; when more have gathered, they are told at once. */
const MOST = 1000;

type Gathered = Map<KeyId, { readonly tenant: TenantId; readonly at: Date }>;

/** The credential of ours on which a context was opened, and of which kind; undefined when it was an issuer's token. */
export function usedCredential({
  credential,
}: Pick<OpenContext, 'credential'>): { readonly kind: string; readonly id: KeyId } | undefined {
  const [, kind, id] = /^(key|client|session):(.+)$/.exec(credential) ?? [];
  return kind === undefined ? undefined : { kind, id: id as KeyId };
}

export class KeyUses {
  readonly #database: Database;
  readonly #failed: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #gathered: Gathered = new Map();
  #telling: Promise<void> = Promise.resolve();

  /** @param failed Told when uses could not be told; they are tried again with the next ones. */
  constructor(database: Database, failed: (error: unknown) => void) {
    this.#database = database;
    this.#failed = failed;
  }

  note(id: KeyId, tenant: TenantId): void {
    this.#gathered.set(id, { tenant, at: new Date() });
    // no timer while no key is used
    this.#timer ??= setTimeout(() => this.#tell(), EVERY_MS).unref();
    if (this.#gathered.size >= MOST) {
      this.#tell();
    }
  }

  /** Tells what has gathered, and whatever is under way. */
  async close(): Promise<void> {
    this.#tell();
    await this.#telling;
    clearTimeout(this.#timer);
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const gathered = this.#gathered;
    if (gathered.size > 0) {
      this.#gathered = new Map();
      this.#telling = this.#telling.then(() => this.#send(gathered));
    }
  }

  async #send(gathered: Gathered): Promise<void> {
    const uses = [...gathered].map(([id, use]) => ({ id, ...use }));
    try {
      await withService(this.#database, 'identity', { readOnly: false }, (db) => noteKeyUses(db, uses));
    } catch (error) {
      this.#failed(error);
      for (const [id, use] of [...gathered].slice(0, MOST - this.#gathered.size)) {
        this.#gathered.set(id, this.#gathered.get(id) ?? use);
      }
    }
  }
}

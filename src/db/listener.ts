// The one connection on which this process hears that something happened. It carries ids and wakes whoever may care; what happened is
// read elsewhere, under the context of whoever asks. So whatever is lost here is only late, never lost.

import pg from 'pg';
import { KINDS, type Kind } from './events.ts';

/** Milliseconds before a lost connection is tried again: at first, and at most. */
const RETRY = { first: 100, most: 5000 } as const;

export type Heard = {
  readonly kind: Kind;
  readonly tenantId: string;
  /** The owner, whoever is a party to it, and the world in which it is shared. */
  readonly concerned: readonly string[];
};

type Hearing = {
  heard(happened: Heard): void;
  /** The connection is there again: something may have happened meanwhile. */
  resumed(): void;
  /** It was lost, and is tried again. */
  lost(error: unknown): void;
};

/** Listens until it is closed. */
export class Listener {
  readonly #url: string;
  readonly #hearing: Hearing;
  #client: pg.Client | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;
  #wait: number = RETRY.first;

  /** @param url Connection of the role `bailiwick_runtime`, past any pooler: it is one backend that is told. */
  constructor(url: string, hearing: Hearing) {
    this.#url = url;
    this.#hearing = hearing;
  }

  /** Connects; when that fails it is tried again until it succeeds. */
  async open(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#url,
      application_name: 'bailiwick listener',
      keepAlive: true,
    });
    this.#client = client;
    client.on('error', (error) => this.#lose(client, error));
    client.on('end', () => this.#lose(client, new Error('the connection ended')));
    client.on('notification', ({ channel, payload }) => {
      const [tenantId = '', ...concerned] = (payload ?? '').split(' ');
      this.#hearing.heard({ kind: channel.slice('bailiwick_'.length) as Kind, tenantId, concerned });
    });
    try {
      await client.connect();
      for (const kind of KINDS) {
        // the names are this file's own
        await client.query(`listen bailiwick_${kind}`);
      }
      this.#wait = RETRY.first;
      this.#hearing.resumed();
    } catch (error) {
      this.#lose(client, error);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => undefined);
  }

  #lose(client: pg.Client, error: unknown): void {
    if (this.#closed || this.#client !== client) {
      return;
    }
    this.#client = undefined;
    client.end().catch(() => undefined);
    this.#hearing.lost(error);
    this.#retry = setTimeout(() => void this.open(), this.#wait);
    this.#wait = Math.min(this.#wait * 2, RETRY.most);
  }
}

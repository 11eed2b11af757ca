// What server processes on one database tell each other, on whatever machines they are: short news for all others, over NOTIFY.
//
// For what each keeps in its own memory and all should know, such as how often a credential has failed (src/auth/failures.ts). Nothing that
// must not be lost: while the connection is away each is as if it were alone. Sealed with a key that the processes share and the database does not
// have, and counted, because whoever reaches the channel could otherwise read where requests come from, or make news up and tell old
// ones again. Has a connection of its own, outside the pool, and knows nothing of what is told.

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import pg from 'pg';

const CHANNEL = 'bailiwick_neighbours';

/** Milliseconds before a lost connection is tried again: at first, and at most. */
const RETRY = { first: 100, most: 5000 } as const;

/** Milliseconds for which news are gathered, and characters of JSON that go out together: NOTIFY takes 8000 bytes. */
const GATHER_MS = 25;
const MOST_TOLD = 5000;

/** News that wait to be told; while the connection is away there may be more, which nobody hears. */
const MOST_WAITING = 10_000;

const CIPHER = 'aes-256-gcm';
const SIZE = { nonce: 12, tag: 16 } as const;

type Letter = { readonly from: string; readonly number: number; readonly news: readonly unknown[] };

export class Neighbours<News> {
  readonly #url: string;
  readonly #key: Buffer;
  readonly #lost: (error: unknown) => void;
  readonly #me = randomBytes(12).toString('base64url');
  /** The number of the last letter of each. */
  readonly #known = new LRUCache<string, number>({ max: 10_000 });
  #heard: (news: News) => void = () => undefined;
  #number = 0;
  #waiting: string[] = [];
  #gathering: NodeJS.Timeout | undefined;
  #client: pg.Client | undefined;
  #connected = false;
  readonly #closing = new AbortController();
  #work: Promise<void> = Promise.resolve();

  /**
   * @param url Connection of the role `bailiwick_runtime`, straight to the database.
   * @param secret What all processes have, and the database does not keep in this form: the ticket key.
   * @param lost Told that the connection is away, and is tried again.
   */
  constructor(url: string, secret: Uint8Array, lost: (error: unknown) => void) {
    this.#url = url;
    this.#key = Buffer.from(hkdfSync('sha256', secret, '', 'bailiwick neighbours', 32));
    this.#lost = lost;
  }

  /** Who hears what the others tell. */
  listen(heard: (news: News) => void): void {
    this.#heard = heard;
  }

  /** Tells all others; never waits, and never fails. */
  tell(news: News): void {
    if (this.#connected && this.#waiting.length < MOST_WAITING) {
      this.#waiting.push(JSON.stringify(news));
      this.#gathering ??= setTimeout(() => void this.#send(), GATHER_MS).unref();
    }
  }

  /** Connects, and does so again whenever the connection is lost. Resolves when the first try has ended. */
  async open(): Promise<void> {
    const first = Promise.withResolvers<void>();
    this.#work = this.#stay(first.resolve);
    await first.promise;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#gathering);
    await this.#client?.end().catch(() => undefined);
    await this.#work;
  }

  async #stay(tried: () => void): Promise<void> {
    let wait: number = RETRY.first;
    while (!this.#closing.signal.aborted) {
      const client = new pg.Client({
        connectionString: this.#url,
        application_name: 'bailiwick neighbours',
        keepAlive: true,
      });
      const ended = Promise.withResolvers<unknown>();
      client.on('error', ended.resolve);
      client.on('end', () => ended.resolve(new Error('the connection ended')));
      client.on('notification', ({ payload = '' }) => this.#read(payload));
      this.#client = client;
      try {
        await client.connect();
        await client.query(`listen ${CHANNEL}`);
        this.#connected = true;
        wait = RETRY.first;
        tried();
        throw await ended.promise;
      } catch (error) {
        this.#connected = false;
        this.#waiting = [];
        await client.end().catch(() => undefined);
        if (!this.#closing.signal.aborted) {
          this.#lost(error);
        }
      }
      tried();
      await sleep(wait, undefined, { signal: this.#closing.signal, ref: false }).catch(() => undefined);
      wait = Math.min(wait * 2, RETRY.most);
    }
  }

  async #send(): Promise<void> {
    this.#gathering = undefined;
    while (this.#connected && this.#waiting.length > 0) {
      let size = 0;
      const fit = this.#waiting.findIndex((news) => {
        size += news.length + 1;
        return size > MOST_TOLD;
      });
      const told = this.#waiting.splice(0, fit === -1 ? this.#waiting.length : Math.max(1, fit));
      this.#number += 1;
      const letter = `{"from":"${this.#me}","number":${this.#number},"news":[${told.join(',')}]}`;
      // a connection that is lost meanwhile is noticed by whoever waits for that
      // NOTIFY takes no parameters, and its function is nobody's to call (prisma/roles.sql); what is sealed is base64 and no more
      const text = pg.escapeLiteral(this.#seal(letter));
      await this.#client?.query(`notify ${CHANNEL}, ${text}`).catch(this.#lost);
    }
  }

  #seal(text: string): string {
    const nonce = randomBytes(SIZE.nonce);
    const cipher = createCipheriv(CIPHER, this.#key, nonce);
    const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64');
  }

  /** What cannot be opened was told by somebody with another key, or by nobody of ours. */
  #open(payload: string): Letter | undefined {
    const bytes = Buffer.from(payload, 'base64');
    if (bytes.length < SIZE.nonce + SIZE.tag) {
      return undefined;
    }
    const opener = createDecipheriv(CIPHER, this.#key, bytes.subarray(0, SIZE.nonce));
    opener.setAuthTag(bytes.subarray(SIZE.nonce, SIZE.nonce + SIZE.tag));
    try {
      const sealed = bytes.subarray(SIZE.nonce + SIZE.tag);
      return JSON.parse(Buffer.concat([opener.update(sealed), opener.final()]).toString('utf8')) as Letter;
    } catch {
      return undefined;
    }
  }

  #read(payload: string): void {
    const { from, number, news } = this.#open(payload) ?? {};
    if (from === undefined || number === undefined || from === this.#me) {
      return;
    }
    if (number > (this.#known.get(from) ?? 0)) {
      this.#known.set(from, number);
      for (const one of news ?? []) {
        this.#heard(one as News);
      }
    }
  }
}

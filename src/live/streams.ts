// Everybody who listens to this process: whom to wake, and whose time is over.
//
// A stream holds its claims and never a context: each look opens one anew, and what the database would refuse to open ends the
// stream, within EVERY_MS and however it came to be refused. This module reads no rows and knows no GraphQL.

import { setTimeout as sleep } from 'node:timers/promises';
import { type Kind, stillLive } from '../db/events.ts';
import { type Heard, Listener } from '../db/listener.ts';
import type { OpenContext } from '../db/sealed-connection.ts';
import type { Database } from '../db/session.ts';
import type { TicketClaims } from '../db/ticket.ts';
import { BailiwickError } from '../errors.ts';
import { Concerned } from './concerned.ts';

/** Milliseconds between two questions whether streams may go on. */
const EVERY_MS = 500;

/** Claims asked about in one statement. */
const MOST_ASKED = 200;

/** Milliseconds for which streams may say that the server stops. */
const FAREWELL_MS = 1000;

export type Signal = 'woken' | 'quiet' | 'ended';

export type StreamLimits = {
  /** Streams of this process. */
  readonly streams: number;
  /** Streams of one owner. */
  readonly perOwner: number;
};

/** Told what went wrong behind everybody's back. */
type Failed = (error: unknown, what: string) => void;

type Listening = Pick<OpenContext, 'tenantId' | 'ownerId' | 'actorId'>;

/** One who listens. */
export class Stream {
  readonly claims: TicketClaims;
  /** The same for streams of the same claims, whichever request brought them. */
  readonly proof: string;
  readonly kind: Kind;
  readonly who: Listening;
  /** Why it ended; undefined while it goes on, or where the client has gone. */
  refusal: BailiwickError | undefined;
  #woken = true;
  #ended = false;
  #waiting: (() => void) | undefined;

  constructor(who: Listening, claims: TicketClaims, kind: Kind) {
    this.who = who;
    this.claims = claims;
    this.proof = JSON.stringify({ ...claims, requestId: null });
    this.kind = kind;
  }

  /** Waits until there may be something to see, or for so many milliseconds. */
  async next(patience: number): Promise<Signal> {
    if (!this.#ended && !this.#woken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, patience);
        this.#waiting = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#waiting = undefined;
    }
    const signal = this.#ended ? 'ended' : this.#woken ? 'woken' : 'quiet';
    this.#woken = false;
    return signal;
  }

  get ended(): boolean {
    return this.#ended;
  }

  wake(): void {
    this.#woken = true;
    this.#waiting?.();
  }

  end(refusal?: BailiwickError): void {
    if (!this.#ended) {
      this.#ended = true;
      this.refusal = refusal;
      this.#waiting?.();
    }
  }
}

export class Streams {
  readonly #database: Database;
  readonly #limits: StreamLimits;
  readonly #failed: Failed;
  readonly #listener: Listener;
  readonly #open = new Set<Stream>();
  readonly #concerned = new Concerned<Stream>();
  #listening = false;
  #asking: NodeJS.Timeout | undefined;
  #asked: Promise<void> = Promise.resolve();
  #closed = false;
  #empty: (() => void) | undefined;

  /** @param url Connection of the role `bailiwick_runtime`, to hear of what happens; made for the first stream. */
  constructor(database: Database, url: string, limits: StreamLimits, failed: Failed) {
    this.#database = database;
    this.#limits = limits;
    this.#failed = failed;
    this.#listener = new Listener(url, {
      heard: (happened) => this.#heard(happened),
      resumed: () => this.#resumed(),
      lost: (error) => failed(error, 'listening was interrupted'),
    });
  }

  /**
   * Takes in a listener, whose claims the database has just agreed to.
   *
   * @param worlds Where others share with whoever listens.
   * @throws {BailiwickError} LIMIT_EXCEEDED where there are too many, UNAVAILABLE where the server stops.
   */
  open(who: Listening, claims: TicketClaims, kind: Kind, worlds: readonly string[]): Stream {
    if (this.#closed) {
      throw new BailiwickError('UNAVAILABLE');
    }
    const ofOwner = [...this.#open].filter((stream) => stream.who.ownerId === who.ownerId).length;
    if (this.#open.size >= this.#limits.streams || ofOwner >= this.#limits.perOwner) {
      throw new BailiwickError('LIMIT_EXCEEDED', 'Too many streams are open; end one of yours first');
    }
    const stream = new Stream(who, claims, kind);
    this.#open.add(stream);
    this.place(stream, worlds);
    this.#begin();
    this.#asking ??= setTimeout(() => this.#ask(), EVERY_MS).unref();
    return stream;
  }

  /** Says where others share with whoever listens, as of the last look. */
  place(stream: Stream, worlds: readonly string[]): void {
    if (this.#open.has(stream)) {
      this.#concerned.put(stream, [stream.who.ownerId, stream.who.actorId, ...worlds]);
    }
  }

  leave(stream: Stream): void {
    stream.end();
    this.#open.delete(stream);
    this.#concerned.remove(stream);
    if (this.#open.size === 0) {
      this.#empty?.();
    }
  }

  /** Wakes those whom it may concern. */
  #heard(happened: Heard): void {
    for (const stream of this.#concerned.by(happened)) {
      stream.wake();
    }
  }

  /** Wakes everybody: nobody knows what was missed. */
  #resumed(): void {
    for (const stream of this.#open) {
      stream.wake();
    }
  }

  /** Ends all streams, and waits a moment until they have said so; their clients come back, and go on where they were. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#asking);
    for (const stream of this.#open) {
      stream.end(new BailiwickError('UNAVAILABLE', 'The server stops; come back and go on'));
    }
    if (this.#open.size > 0) {
      await Promise.race([
        new Promise<void>((resolve) => {
          this.#empty = resolve;
        }),
        sleep(FAREWELL_MS, undefined, { ref: false }),
      ]);
    }
    await this.#asked;
    await this.#listener.close();
  }

  #begin(): void {
    if (!this.#listening) {
      this.#listening = true;
      void this.#listener.open();
    }
  }

  #ask(): void {
    this.#asked = this.#endWhoMayNot()
      .catch((error: unknown) => this.#failed(error, 'it is not known whether streams may go on'))
      .then(() => {
        // not before: a stream that opens meanwhile would begin a round of its own, beside this one and for ever
        this.#asking =
          this.#open.size > 0 && !this.#closed ? setTimeout(() => this.#ask(), EVERY_MS).unref() : undefined;
      });
  }

  /** Streams of the same claims are asked about once. */
  async #endWhoMayNot(): Promise<void> {
    const streams = [...Map.groupBy(this.#open, ({ proof }) => proof).values()];
    for (let from = 0; from < streams.length; from += MOST_ASKED) {
      const some = streams.slice(from, from + MOST_ASKED);
      const live = await stillLive(
        this.#database,
        some.flatMap(([one]) => (one === undefined ? [] : [one.claims])),
      );
      some.forEach((alike, index) => {
        if (live[index] !== true) {
          for (const stream of alike) {
            stream.end(new BailiwickError('UNAUTHENTICATED'));
          }
        }
      });
    }
  }
}

// Listening as a client does: a subscription over a real connection, its events as they come, and from where to go on.

import { setTimeout as sleep } from 'node:timers/promises';
import type { ActorName } from '../../src/demo/cast.ts';
import type { Asking, RunningServer } from './server.ts';

export type Event = { readonly id: string | undefined; readonly type: string; readonly data: string };
/** An answer of a stream. */
export type Next = {
  readonly data?: Record<string, { change: string; event: string; id: string }> | null;
  readonly errors?: readonly { readonly extensions: { readonly code: string } }[];
};

export type Listening = {
  readonly status: number;
  /** Of the last event. */
  readonly lastEventId: string;
  /** All answers so far. */
  readonly got: readonly Next[];
  /** From where to go on after each. */
  readonly places: readonly string[];
  /** Whether the server has ended it. */
  readonly ended: boolean;
  /** Waits for so many answers in all. */
  until(count: number, patience?: number): Promise<readonly Next[]>;
  /** Waits until the server ends it; milliseconds that took. */
  end(patience?: number): Promise<number>;
  close(): void;
};

/** Subscribes, and returns once the stream has begun, or was refused. */
export async function listen(
  server: Pick<RunningServer, 'origin' | 'credentials'>,
  actor: ActorName | 'nobody',
  query: string,
  asking: Asking = {},
  lastEventId?: string,
): Promise<Listening> {
  const gone = new AbortController();
  const response = await fetch(`${server.origin}/graphql`, {
    method: 'POST',
    headers: {
      ...(await server.credentials(actor, asking)),
      'content-type': 'application/json',
      accept: 'text/event-stream',
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      ...asking.headers,
    },
    body: JSON.stringify({ query }),
    signal: gone.signal,
  });
  const state = { lastEventId: lastEventId ?? '', got: [] as Next[], places: [] as string[], ended: false };
  const begun = Promise.withResolvers<void>();
  const reading = (async () => {
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString('utf8');
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const { id, type, data } of blocks.map(eventOf)) {
        state.lastEventId = id ?? state.lastEventId;
        if (type === 'next') {
          state.got.push(JSON.parse(data) as Next);
          state.places.push(state.lastEventId);
        }
        state.ended ||= type === 'complete';
      }
      if (response.status === 200) {
        begun.resolve();
      }
    }
    if (text !== '' && !state.ended) {
      // refused before it was a stream
      state.got.push(JSON.parse(text) as Next);
    }
  })().catch((error: Error) => {
    if (!gone.signal.aborted) {
      state.got.push({ errors: [{ extensions: { code: `broken off: ${error.message}` } }] });
    }
  });
  reading.finally(begun.resolve);
  await begun.promise;
  const waitFor = async (done: () => boolean, patience: number, what: () => string) => {
    const until = Date.now() + patience;
    while (!done()) {
      if (Date.now() > until) {
        throw new Error(`waited in vain for ${what()}`);
      }
      await sleep(5);
    }
  };
  return {
    status: response.status,
    get lastEventId() {
      return state.lastEventId;
    },
    get got() {
      return state.got;
    },
    get places() {
      return state.places;
    },
    get ended() {
      return state.ended;
    },
    async until(count, patience = 5000) {
      await waitFor(
        () => state.got.length >= count,
        patience,
        () => `${count} events, there are ${JSON.stringify(state.got)}`,
      );
      return state.got;
    },
    async end(patience = 5000) {
      const began = performance.now();
      await waitFor(
        () => state.ended,
        patience,
        () => 'the end of the stream',
      );
      return performance.now() - began;
    },
    close: () => gone.abort(),
  };
}

function eventOf(block: string): Event {
  const fields = block.split('\n').map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trimStart()] as const;
  });
  const of = (name: string) => fields.filter(([field]) => field === name).map(([, value]) => value);
  return { id: of('id').at(-1), type: of('event').at(-1) ?? '', data: of('data').join('\n') };
}

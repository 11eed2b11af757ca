// A client of the API in a hundred lines: plain fetch, the documents that code generation made, and server-sent events that go on
// where they broke off. Nothing here is special to agents.

import { setTimeout as sleep } from 'node:timers/promises';

/** A document of code generation, with the types of its data and variables. */
export type Operation<Data, Variables> = { toString(): string; __apiType?: (variables: Variables) => Data };

/** An error of the closed list: `code` says which, and the request id finds it in the server's log. */
export class ApiError extends Error {
  readonly code: string;
  readonly requestId: string;

  constructor(message: string, code: string, requestId: string) {
    super(`${code}: ${message}`);
    this.code = code;
    this.requestId = requestId;
  }
}

type Answer<Data> = {
  readonly data?: Data | null;
  readonly errors?: readonly { message: string; extensions: { code: string; requestId: string } }[];
};

function dataOf<Data>({ data, errors }: Answer<Data>): Data {
  const [error] = errors ?? [];
  if (error !== undefined || data === undefined || data === null) {
    const { code, requestId } = error?.extensions ?? { code: 'INTERNAL', requestId: '' };
    throw new ApiError(error?.message ?? 'no data', code, requestId);
  }
  return data;
}

export type Client = {
  /**
   * Asks, and returns the data.
   *
   * @throws {ApiError} for any error in the answer.
   */
  ask<Data, Variables>(operation: Operation<Data, Variables>, variables: Variables): Promise<Data>;
  /**
   * Listens until the signal, or until the server says that this caller may not any more, which it throws. The first thing that
   * comes is null: from now on nothing is missed, so now is the time to read what is there already.
   */
  listen<Data, Variables>(
    operation: Operation<Data, Variables>,
    signal: AbortSignal,
  ): AsyncGenerator<Data | null>;
};

/** A client with a bearer token; of an agent's own token together with the delegation under which it acts. */
export function createClient(url: string, token: string, delegationId?: string): Client {
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    ...(delegationId === undefined ? {} : { 'delegation-id': delegationId }),
  };
  const send = (operation: object, more: Record<string, string>, variables?: unknown, signal?: AbortSignal) =>
    fetch(url, {
      method: 'POST',
      headers: { ...headers, ...more },
      body: JSON.stringify({ query: String(operation), variables }),
      ...(signal === undefined ? {} : { signal }),
    });

  return {
    async ask<Data, Variables>(operation: Operation<Data, Variables>, variables: Variables) {
      const response = await send(operation, { accept: 'application/graphql-response+json' }, variables);
      return dataOf((await response.json()) as Answer<Data>);
    },

    async *listen<Data, Variables>(operation: Operation<Data, Variables>, signal: AbortSignal) {
      let place: string | undefined;
      while (!signal.aborted) {
        const known: Record<string, string> = place === undefined ? {} : { 'last-event-id': place };
        try {
          const response = await send(
            operation,
            { accept: 'text/event-stream', ...known },
            undefined,
            signal,
          );
          for await (const { id, event, data } of eventsOf(response)) {
            if (place === undefined && id !== undefined) {
              yield null;
            }
            place = id ?? place;
            if (event === 'next') {
              yield dataOf(JSON.parse(data) as Answer<Data>);
            }
          }
        } catch (error) {
          if (error instanceof ApiError && error.code !== 'UNAVAILABLE') {
            throw error;
          }
          // the connection broke, or the server stops: come back in a moment and go on
          await sleep(500, undefined, { signal }).catch(() => undefined);
        }
      }
    },
  };
}

type Event = { readonly id?: string | undefined; readonly event: string; readonly data: string };

/** The events of an answer; what is no stream is the one error that it holds. */
async function* eventsOf(response: Response): AsyncGenerator<Event> {
  if (response.status !== 200) {
    yield { event: 'next', data: await response.text() };
    return;
  }
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const field = (name: string) =>
        block
          .split('\n')
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2);
      yield { id: field('id'), event: field('event') ?? '', data: field('data') ?? '' };
    }
  }
}

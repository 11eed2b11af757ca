// A call to a service of a third party: bounded in time and size, to an address that may be reached, never by a redirect.
//
// Whoever asks for a call may have chosen where it goes, so by default only what the whole Internet sees is reached. An answer is
// text or nothing; what is too long is cut. Knows no credential and no database.

import type { IncomingMessage } from 'node:http';
import { AddressError, literalProblem, type Reach, type Resolve, systemResolve } from './address.ts';
import { send } from './connection.ts';

export type OutgoingRequest = {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
};

export type OutgoingAnswer = {
  readonly status: number;
  readonly contentType: string | null;
  /** Null where the answer is not text. */
  readonly body: string | null;
  /** Whether the body is only the beginning of what was answered. */
  readonly truncated: boolean;
};

/** Why there is no answer. */
export type OutgoingFault = 'address' | 'connection' | 'timeout' | 'busy';

export class OutgoingError extends Error {
  readonly fault: OutgoingFault;

  constructor(fault: OutgoingFault, cause?: unknown) {
    super(`no answer: ${fault}`, { cause });
    this.name = 'OutgoingError';
    this.fault = fault;
  }
}

/**
 * Makes a call.
 *
 * @throws {OutgoingError} when there is no answer, whatever its status.
 */
export type Outgoing = (request: OutgoingRequest) => Promise<OutgoingAnswer>;

/** Reaches nothing. */
export const nowhere: Outgoing = async () => {
  throw new OutgoingError('address');
};

export type OutgoingSettings = {
  readonly reach: Reach;
  readonly timeoutMs: number;
  /** How names become addresses. */
  readonly resolve?: Resolve | undefined;
  /** Origins that are answered without a network, as those of the demo. */
  readonly inProcess?: ReadonlyMap<string, Outgoing> | undefined;
};

/** Bytes of an answer that are kept. */
export const MOST_BYTES = 256 * 1024;

/** Calls under way at once in one process: a slow service must not fill its memory. */
export const MOST_AT_ONCE = 100;

export function createOutgoing({
  reach,
  timeoutMs,
  resolve = systemResolve,
  inProcess,
}: OutgoingSettings): Outgoing {
  let running = 0;

  const overNetwork: Outgoing = async ({ url, method, headers, body }) => {
    const problem = literalProblem(url, reach);
    if (problem !== undefined) {
      throw new OutgoingError('address', new TypeError(problem));
    }
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const response = await send(url, {
        method,
        headers: {
          accept: 'application/json, text/*;q=0.9, */*;q=0.1',
          'accept-encoding': 'identity',
          'user-agent': 'bailiwick',
          ...headers,
          ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
        },
        body,
        signal,
        reach,
        resolve,
      });
      try {
        return await read(response);
      } finally {
        response.destroy();
      }
    } catch (cause) {
      throw new OutgoingError(faultOf(cause, signal), cause);
    }
  };

  return async (request) => {
    if (running >= MOST_AT_ONCE) {
      throw new OutgoingError('busy');
    }
    running += 1;
    try {
      return await (inProcess?.get(request.url.origin) ?? overNetwork)(request);
    } finally {
      running -= 1;
    }
  };
}

function faultOf(cause: unknown, { aborted }: AbortSignal): OutgoingFault {
  return aborted ? 'timeout' : cause instanceof AddressError ? 'address' : 'connection';
}

const TEXT = /^(text\/|application\/([a-z0-9.-]+\+)?(json|xml|x-www-form-urlencoded|javascript|yaml)\b)/i;

async function read(response: IncomingMessage): Promise<OutgoingAnswer> {
  const { 'content-type': contentType = null, 'content-encoding': encoding = 'identity' } = response.headers;
  const answer = { status: response.statusCode ?? 0, contentType };
  if (contentType === null || !TEXT.test(contentType) || encoding !== 'identity') {
    return { ...answer, body: null, truncated: false };
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size > MOST_BYTES) {
      break;
    }
  }
  const bytes = Buffer.concat(chunks).subarray(0, MOST_BYTES);
  // a character that was cut in two is left out
  const body = new TextDecoder().decode(bytes, { stream: size > MOST_BYTES });
  return { ...answer, body, truncated: size > MOST_BYTES };
}

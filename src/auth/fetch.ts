// One JSON document from an issuer: bounded in size and time, from an address that may be reached, never by a redirect.
//
// Sends nothing that tells who asks. What the document means is for the caller.

import type { IncomingMessage } from 'node:http';
import { literalProblem, type Reach, type Resolve, systemResolve } from '../outgoing/address.ts';
import { send } from '../outgoing/connection.ts';
import { addressProblem } from '../trust.ts';
import { parseStrictJson } from './strict-json.ts';

export type FetchOptions = {
  /** From where documents may be fetched; the Internet unless given. */
  readonly reach?: Reach | undefined;
  /** How names become addresses. */
  readonly resolve?: Resolve | undefined;
};

const MAX_BYTES = 64 * 1024;

/** Reads the document at `uri` (RFC 8259, and as strict as strict-json.ts). Rejects for every reason not to. */
export async function fetchJson(
  uri: URL,
  signal: AbortSignal,
  { reach = 'public', resolve = systemResolve }: FetchOptions = {},
): Promise<unknown> {
  const problem = addressProblem(uri) ?? literalProblem(uri, reach);
  if (problem !== undefined) {
    throw new TypeError(`${uri.host} is not asked: ${problem}`);
  }
  const response = await send(uri, {
    signal,
    reach,
    resolve,
    headers: { accept: 'application/json', 'accept-encoding': 'identity' },
  });
  try {
    // A redirect is such an answer too: whoever chooses the address chooses the keys.
    if (response.statusCode !== 200) {
      throw new TypeError(`The issuer answered ${response.statusCode}`);
    }
    if ((response.headers['content-encoding'] ?? 'identity') !== 'identity') {
      throw new TypeError('The issuer compressed its answer, though asked not to');
    }
    return parseStrictJson(await readBody(response));
  } finally {
    response.destroy();
  }
}

async function readBody(response: IncomingMessage): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Counted as it arrives, whatever its headers promise.
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > MAX_BYTES) {
      throw new TypeError(`The issuer's answer is larger than ${MAX_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

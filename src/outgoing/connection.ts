// One request on a connection of its own, to an address that may be reached (address.ts).
//
// Made of node:http rather than of fetch, which does not let us see the address it connects to. No connection serves two requests,
// so that none that was checked for one URL serves another; no proxy, and no redirect is followed. What is sent and what the
// answer means is for the caller.

import { type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { guardedLookup, type Reach, type Resolve } from './address.ts';

export type Sending = Pick<RequestOptions, 'method' | 'headers' | 'signal'> & {
  readonly body?: string | undefined;
  readonly reach: Reach;
  readonly resolve: Resolve;
};

/** Sends a request. Resolves when the answer has begun; rejects for every reason why there is none. */
export function send(uri: URL, { body, reach, resolve: names, ...rest }: Sending): Promise<IncomingMessage> {
  const options: RequestOptions = { ...rest, agent: false, lookup: guardedLookup(uri, reach, names) };
  return new Promise((resolve, reject) => {
    const request =
      uri.protocol === 'https:'
        ? // Said out loud, because an environment variable can turn the default around.
          tlsRequest(uri, { ...options, rejectUnauthorized: true })
        : plainRequest(uri, options);
    // The listeners stay for as long as the connection does: an error after the answer has begun ends the reading of
    // its body. An answer that is none, such as a change of protocol, ends in `close` alone.
    request
      .on('error', reject)
      .on('close', () => reject(new TypeError(`${uri.host} gave no answer`)))
      .on('response', resolve)
      .end(body);
  });
}

// What the tests of key providers look for in an error: which it is, everything that could be printed of it, and how a key would
// look there.

import { inspect } from 'node:util';

/** A provider that says no, as opposed to one that does not answer. */
export const REFUSED = { name: 'KeyProviderError', reason: 'refused' };

/** What work came to, also where that is an error. */
export const outcome = (work: Promise<unknown>) => work.catch((error: unknown) => error);

/** Everything that an error and its causes could ever show. */
export const shown = (error: unknown) => inspect(error, { depth: null, showHidden: true, getters: true });

/** How a key, or what is wrapped, could show up in an error. */
export const spellings = (key: Uint8Array) => [
  Buffer.from(key).toString('base64'),
  Buffer.from(key).toString('hex'),
  inspect(Buffer.from(key)).slice(8, 40),
];

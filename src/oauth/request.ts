// What is known of one request to the token service while it is answered: what the library has no place for.

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Logger } from 'pino';
import type { RequestId } from '../ids.ts';

export type Request = {
  readonly requestId: RequestId;
  readonly log: Logger;
  /** When the session ends in which something is issued, once it is known. */
  session?: { readonly expiresAt: Date };
  /** Whether a credential was refused in it. */
  refused?: boolean;
};

export const requests = new AsyncLocalStorage<Request>();

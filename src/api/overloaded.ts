// The refusal of whoever comes when there are too many, and how it is answered: at once, with when to come again, and with the word that
// nothing was begun. It must cost next to nothing, so GraphQL is not asked.

import { BailiwickError, ERROR_CODES } from '../errors.ts';

/** Nothing was begun, because others are being served. */
export class Overloaded extends BailiwickError {
  /** Whole seconds. */
  readonly retryAfter: number;

  constructor() {
    super('UNAVAILABLE', 'The server is busy: this was not begun and nothing was done; retry later.');
    // not all at the same time
    this.retryAfter = 1 + Math.floor(Math.random() * LATEST_RETRY);
  }
}

const LATEST_RETRY = 3;

type Headed = { readonly status: number; readonly headers?: Record<string, string> };

/** The answer in GraphQL's words. */
export function inGraphql(
  { code, message, retryAfter }: Overloaded,
  requestId: string,
  accept = '',
): Headed & { readonly body: string } {
  const type = accept.includes('application/graphql-response+json') ? 'graphql-response+json' : 'json';
  return {
    status: ERROR_CODES[code].status,
    headers: {
      'content-type': `application/${type}; charset=utf-8`,
      'retry-after': String(retryAfter),
    },
    body: JSON.stringify({ errors: [{ message, extensions: { code, requestId } }] }),
  };
}

/** Whoever cannot be served right now, for whatever reason, is told when to come again. */
export function withRetry<Answer extends Headed>(answer: Answer): Answer {
  return answer.status === ERROR_CODES.UNAVAILABLE.status && answer.headers?.['retry-after'] === undefined
    ? { ...answer, headers: { ...answer.headers, 'retry-after': '1' } }
    : answer;
}

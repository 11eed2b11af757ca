// What of an error leaves the server: a code of the closed list, one sentence, the request id, and where in the
// document. Everything else is masked as INTERNAL and logged with its cause.

import { GraphQLError } from 'graphql';
import type { Logger } from 'pino';
import { TooManyFailures } from '../auth/failures.ts';
import { translate } from '../db/failures.ts';
import { BailiwickError, type ErrorCode } from '../errors.ts';
import type { RequestId } from '../ids.ts';

/** Characters of a message. */
const LONGEST = 400;
/** Errors of one reason, each brought about by the next. */
const DEEPEST = 5;

/** The innermost error: what a resolver threw, however often it was wrapped. */
function originOf(error: Error): Error {
  let origin = error;
  while (origin instanceof GraphQLError && origin.originalError) {
    origin = origin.originalError;
  }
  return origin;
}

/** The error in the words of the closed list. */
export function classify(error: Error): BailiwickError {
  const origin = originOf(error);
  if (origin instanceof BailiwickError) {
    return origin;
  }
  if (origin instanceof GraphQLError) {
    // made by GraphQL itself or by Yoga: about the document, the variables or the transport
    const code: ErrorCode = /more that? \d+ tokens/.test(origin.message)
      ? 'LIMIT_EXCEEDED'
      : 'BAD_USER_INPUT';
    return new BailiwickError(code, origin.message);
  }
  return translate(origin);
}

/** What an error says, and what brought it about. */
function reasonOf(cause: unknown): string {
  const said: string[] = [];
  for (let at = cause; at instanceof Error && said.length < DEEPEST; at = at.cause) {
    said.push(at.message);
  }
  return said.length === 0 ? String(cause) : said.join(': ');
}

/** GraphQL's own messages quote what they refuse, whatever its length. */
function clipped(message: string): string {
  return message.length > LONGEST ? `${message.slice(0, LONGEST)}...` : message;
}

/**
 * The error as the client sees it. Logs what the client does not see; of refused credentials, src/server.ts does.
 *
 * @param wholeRequest Whether it stands for the whole answer, so that it decides the HTTP status.
 */
export function present(
  error: Error,
  requestId: RequestId,
  log: Logger,
  wholeRequest: boolean,
): GraphQLError {
  const known = classify(error);
  if (known.code === 'INTERNAL') {
    log.error({ err: originOf(error), cause: known.cause }, 'internal error');
  } else if (known.cause !== undefined && known.code !== 'UNAUTHENTICATED') {
    log.info({ code: known.code, reason: reasonOf(known.cause) }, 'refused');
  }
  const { nodes, source, positions, path } =
    error instanceof GraphQLError ? error : ({} as Partial<GraphQLError>);
  return new GraphQLError(clipped(known.message), {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    extensions: {
      code: known.code,
      requestId,
      ...(wholeRequest
        ? {
            http: {
              status: known.status,
              headers: known instanceof TooManyFailures ? { 'Retry-After': String(known.retryAfter) } : {},
            },
          }
        : {}),
    },
  });
}

// The HTTP server: one table of routes around the GraphQL engine. Every answer carries the request id; every error
// outside GraphQL is a problem document (RFC 9457). Every 401 passes `refuse` below, which makes them alike, counts
// and logs them. The server knows nothing of tenants, rows or policies.

import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import type { Admission, Slot } from './api/admission.ts';
import { inGraphql, Overloaded, withRetry } from './api/overloaded.ts';
import { headersOf, type Reading, type RequestState, readRequest, type Verdict } from './api/request.ts';
import type { createEngine } from './api/yoga.ts';
import type { Authentication } from './auth/actor.ts';
import { presentedCredential } from './auth/credentials.ts';
import { type Attempt, countFailures, type FailureLimits, TooManyFailures } from './auth/failures.ts';
import { sourceOf } from './auth/source.ts';
import { challenge, isOfTime, recordOf, untilItLeaves } from './auth/unauthenticated.ts';
import { BailiwickError, ERROR_CODES, type ErrorCode } from './errors.ts';
import { newId, type RequestId } from './ids.ts';
import type { TokenService } from './oauth/service.ts';
import { type Sendable, send } from './sending.ts';

export type Answer = {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body: string;
};

/** A page or document beside GraphQL. Throws a BailiwickError to be answered as a problem. */
export type Page = (request: IncomingMessage) => Promise<Answer>;

export type ServerSettings = Authentication & {
  readonly engine: ReturnType<typeof createEngine>;
  readonly maxBodyBytes: number;
  readonly log: Logger;
  /** `METHOD /path` -> page. */
  readonly pages: ReadonlyMap<string, Page>;
  /** Where tokens are issued; left out, nowhere here. */
  readonly tokens?: TokenService | undefined;
  /** How many proxies of ours stand in front, each of which appends to `X-Forwarded-For`; none unless given. */
  readonly trustProxy?: number | undefined;
  /** Who may begin where there are more than can be served; everybody unless given. */
  readonly admission?: Admission | undefined;
  /** How often credentials may fail; the defaults of src/auth/failures.ts unless given. */
  readonly failures?: FailureLimits | undefined;
};

/** Who presents what: an attempt where there is a credential, otherwise the source alone. */
type Presented = Attempt | Pick<Attempt, 'source'>;

type Arrival = {
  readonly requestId: RequestId;
  readonly log: Logger;
  /** By `performance.now()`. */
  readonly arrived: number;
};

/** An answer, perhaps one that goes on, and the refusal that it stands for. */
type Made = Sendable & { readonly refusal?: BailiwickError | undefined };

/** W3C Trace Context, version 00: the trace this request belongs to, if the header is well-formed. */
function traceId(header: unknown): string | undefined {
  const [, trace] = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(String(header ?? '')) ?? [];
  return trace === undefined || /^0+$/.test(trace) ? undefined : trace;
}

/** A problem document: what went wrong, in the closed list's words, and the id under which the log has more. */
export function problem(
  code: ErrorCode,
  detail: string,
  requestId: string,
  status: number = ERROR_CODES[code].status,
): Answer {
  return {
    status,
    headers: { 'content-type': 'application/problem+json' },
    body: JSON.stringify({
      type: 'about:blank',
      title: ERROR_CODES[code].meaning,
      status,
      detail,
      code,
      requestId,
    }),
  };
}

/** As it was sent: what is not a path of ours needs no further reading. */
function pathOf(request: IncomingMessage): string {
  return request.url?.split('?')[0] ?? '';
}

async function answer(
  request: IncomingMessage,
  { pages, tokens }: ServerSettings,
  requestId: RequestId,
): Promise<Made> {
  const path = pathOf(request);
  const page = pages.get(`${request.method} ${path}`);
  if (page !== undefined) {
    return page(request);
  }
  const posts = ['/graphql', ...(tokens?.endpoints ?? [])].map((endpoint) => `POST ${endpoint}`);
  const allowed = [...pages.keys(), ...posts]
    .filter((route) => route.endsWith(` ${path}`))
    .map((route) => route.split(' ')[0]);
  if (allowed.length > 0) {
    const refused = problem('BAD_USER_INPUT', `${request.method} is not answered here`, requestId, 405);
    return { ...refused, headers: { ...refused.headers, allow: allowed.join(', ') } };
  }
  return problem('NOT_FOUND', 'There is nothing at this path', requestId);
}

const BROKEN: Readonly<Record<string, readonly [ErrorCode, status: number]>> = {
  HPE_HEADER_OVERFLOW: ['LIMIT_EXCEEDED', 431],
  ERR_HTTP_REQUEST_TIMEOUT: ['TIMEOUT', 408],
};

/** Answers what could not be read as HTTP, and ends its connection. */
function refuseBroken(error: NodeJS.ErrnoException, socket: Duplex, log: Logger): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const requestId = newId<RequestId>();
  const [code, status] = BROKEN[error.code ?? ''] ?? ['BAD_USER_INPUT', 400];
  const { headers, body } = problem(code, 'This could not be read as an HTTP request', requestId, status);
  const fields = {
    ...headers,
    'content-length': Buffer.byteLength(body),
    'x-request-id': requestId,
    connection: 'close',
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  log.info({ requestId, status, reason: error.code }, 'request');
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
}

/** An error as an answer outside GraphQL; what nobody outside may know is logged. */
function answerTo(error: unknown, requestId: RequestId, log: Logger): Made {
  const known =
    error instanceof BailiwickError ? error : new BailiwickError('INTERNAL', undefined, { cause: error });
  if (known.code === 'INTERNAL') {
    log.error({ err: error }, 'request failed');
  }
  return {
    ...problem(known.code, known.message, requestId, known.status),
    refusal: known.code === 'UNAUTHENTICATED' ? known : undefined,
  };
}

/**
 * Has GraphQL answer. It sees in which form an answer is accepted and nothing else of the request's headers, and it is
 * not told when the client has gone: what came of a credential is to be known all the same.
 */
async function ask({ yoga, shortcuts }: ServerSettings['engine'], state: RequestState): Promise<Made> {
  const { accept, verdict } = state;
  const short = await shortcuts.take(state);
  if (short !== undefined) {
    return short;
  }
  const init = { method: 'POST', headers: accept === undefined ? {} : { accept } };
  const made = await yoga.fetch('http://localhost/graphql', init, { state });
  const answer = { status: made.status, headers: Object.fromEntries(made.headers) };
  if (made.status === 200) {
    shortcuts.learn(accept, made.headers.get('content-type'));
  }
  // nothing but a subscription goes on after its answer has begun
  return verdict.streams && made.body !== null
    ? { ...answer, body: made.body as ReadableStream<Uint8Array> }
    : { ...answer, body: await made.text(), refusal: verdict.refusal };
}

/** In the form that a client of the token service expects (RFC 6749 section 5.2), which has no word for it. */
const tooMany = ({ message, retryAfter }: TooManyFailures): Answer => ({
  status: 429,
  headers: { 'content-type': 'application/json', 'retry-after': String(retryAfter) },
  body: JSON.stringify({ error: 'temporarily_unavailable', error_description: message }),
});

/** What everybody hears who proves nothing, whatever the cause; in GraphQL's words where those were asked for. */
function unauthenticated(
  { headers }: Pick<Answer, 'headers'>,
  requestId: RequestId,
  takesProofs: boolean,
): Answer {
  const code = 'UNAUTHENTICATED';
  const message = ERROR_CODES[code].meaning;
  const bare = problem(code, message, requestId);
  const type = headers?.['content-type'] ?? '';
  const graphql = {
    ...bare,
    headers: {
      'content-type': type.startsWith('application/') ? type : 'application/json; charset=utf-8',
    },
    body: JSON.stringify({ errors: [{ message, extensions: { code, requestId } }] }),
  };
  const answer = type === bare.headers?.['content-type'] ? bare : graphql;
  return { ...answer, headers: { ...answer.headers, 'www-authenticate': challenge(takesProofs) } };
}

/** Makes the server; it does not listen yet. */
export function createHttpServer(settings: ServerSettings): Server {
  const { admission, engine, log, proofs, tokens, trustProxy = 0 } = settings;
  const failures = countFailures(settings.failures);
  const reading: Reading = { ...settings, failures };

  const sourceOfRequest = (request: IncomingMessage): string => {
    const forwarded = headersOf(request).get('x-forwarded-for') ?? undefined;
    return sourceOf({ socket: request.socket.remoteAddress, forwarded }, trustProxy);
  };

  const presentedBy = (request: IncomingMessage): Presented => {
    const headers = headersOf(request);
    const source = sourceOfRequest(request);
    const credential = presentedCredential(headers);
    return credential === undefined ? { source } : failures.attempt(source, credential);
  };

  const graphql = async (
    request: IncomingMessage,
    presented: Presented,
    { requestId, log }: Arrival,
  ): Promise<Made> => {
    const attempt = 'credential' in presented ? presented : undefined;
    const outcome = await readRequest(request, attempt, reading);
    const verdict: Verdict = {};
    const { accept } = request.headers;
    let slot: Slot | undefined;
    try {
      if ('failure' in outcome && outcome.failure instanceof Overloaded) {
        throw outcome.failure;
      }
      slot = 'caller' in outcome ? await admission?.enter(outcome.caller) : undefined;
      const made = await ask(engine, {
        requestId,
        log,
        outcome,
        verdict,
        slot,
        accept,
        lastEventId: headersOf(request).get('last-event-id') ?? undefined,
      });
      if (attempt !== undefined && verdict.proved) {
        failures.proved(attempt);
      }
      if ('caller' in outcome && verdict.tenantId !== undefined) {
        admission?.learn(outcome.caller, verdict.tenantId);
      }
      return made;
    } catch (error) {
      if (error instanceof Overloaded) {
        return inGraphql(error, requestId, accept);
      }
      throw error;
    } finally {
      slot?.release();
    }
  };

  // What is presented there stands in the body, which the service reads: failures count for where they come from alone.
  const issueTokens = async (
    service: TokenService,
    request: IncomingMessage,
    response: ServerResponse,
    arrival: Arrival,
  ) => {
    const attempt = failures.attempt(sourceOfRequest(request), {
      text: arrival.requestId,
      bound: false,
    });
    await failures.admit(attempt);
    const { failed } = await service.handle(request, response, arrival);
    if (failed) {
      await failures.failed(attempt);
    }
  };

  const refuse = async (refusal: BailiwickError, presented: Presented, log: Logger): Promise<void> => {
    const record = recordOf(refusal, presented);
    if ('credential' in presented) {
      log.warn(record, 'refused');
      if (!isOfTime(refusal)) {
        await failures.failed(presented);
      }
    } else {
      log.info(record, 'refused');
    }
  };

  const respond = async (request: IncomingMessage, response: ServerResponse, arrival: Arrival) => {
    const { requestId, log, arrived } = arrival;
    if (tokens !== undefined && request.method === 'POST' && tokens.endpoints.has(pathOf(request))) {
      await issueTokens(tokens, request, response, arrival).catch((error: unknown) =>
        send(
          response,
          error instanceof TooManyFailures ? tooMany(error) : withRetry(answerTo(error, requestId, log)),
        ),
      );
      return;
    }
    const presented = presentedBy(request);
    const made = await (request.method === 'POST' && pathOf(request) === '/graphql'
      ? graphql(request, presented, arrival)
      : answer(request, settings, requestId)
    ).catch((error: unknown) => answerTo(error, requestId, log));
    if (made.refusal === undefined) {
      send(response, withRetry(made));
    } else {
      await refuse(made.refusal, presented, log);
      await untilItLeaves(arrived);
      send(response, unauthenticated(made, requestId, proofs !== undefined));
    }
  };

  const server = createServer(
    { joinDuplicateHeaders: true, requestTimeout: 30_000, headersTimeout: 10_000 },
    (request, response) => {
      const requestId = newId<RequestId>();
      const trace = traceId(request.headers.traceparent);
      const child = log.child({ requestId, ...(trace ? { traceId: trace } : {}) });
      const arrived = performance.now();
      response.setHeader('x-request-id', requestId);
      response.setHeader('x-content-type-options', 'nosniff');
      response.setHeader('cache-control', 'no-store');
      response.once('close', () => {
        const ms = Math.round((performance.now() - arrived) * 10) / 10;
        child.info(
          { method: request.method, path: pathOf(request), status: response.statusCode, ms },
          'request',
        );
      });
      respond(request, response, { requestId, log: child, arrived }).catch((error: unknown) => {
        child.error({ err: error }, 'answering failed');
        response.destroy();
      });
    },
  );
  return server.on('clientError', (error, socket) => refuseBroken(error, socket, log));
}

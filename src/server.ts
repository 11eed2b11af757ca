// The HTTP server: one table of routes around the GraphQL engine. Every answer carries the request id; every error outside
// GraphQL is a problem document (RFC 9457). It knows nothing of tenants, rows or policies.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { readRequest } from './api/request.ts';
import type { createEngine } from './api/yoga.ts';
import type { Verifier } from './auth/token.ts';
import { BailiwickError, ERROR_CODES, type ErrorCode } from './errors.ts';
import { newId, type RequestId } from './ids.ts';

export type Answer = {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body: string;
};

/** A page or document beside GraphQL. Throws a BailiwickError to be answered as a problem. */
export type Page = (request: IncomingMessage) => Promise<Answer>;

export type ServerSettings = {
  readonly engine: ReturnType<typeof createEngine>;
  readonly verifier: Verifier;
  readonly maxBodyBytes: number;
  readonly log: Logger;
  /** `METHOD /path` -> page. */
  readonly pages: ReadonlyMap<string, Page>;
};

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

async function answer(
  request: IncomingMessage,
  pages: ServerSettings['pages'],
  requestId: RequestId,
): Promise<Answer> {
  const path = new URL(request.url ?? '/', 'http://local').pathname;
  const page = pages.get(`${request.method} ${path}`);
  if (page !== undefined) {
    return page(request);
  }
  const allowed = [...pages.keys(), 'POST /graphql']
    .filter((route) => route.endsWith(` ${path}`))
    .map((route) => route.split(' ')[0]);
  if (allowed.length > 0) {
    const refused = problem('BAD_USER_INPUT', `${request.method} is not answered here`, requestId, 405);
    return { ...refused, headers: { ...refused.headers, allow: allowed.join(', ') } };
  }
  return problem('NOT_FOUND', 'There is nothing at this path', requestId);
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, headers);
  response.end(body);
}

/** Makes the server; it does not listen yet. */
export function createHttpServer({ engine, verifier, maxBodyBytes, log, pages }: ServerSettings): Server {
  return createServer(
    { joinDuplicateHeaders: true, requestTimeout: 30_000, headersTimeout: 10_000 },
    (request, response) => {
      const requestId = newId<RequestId>();
      const trace = traceId(request.headers.traceparent);
      const child = log.child({ requestId, ...(trace ? { traceId: trace } : {}) });
      const started = performance.now();
      response.setHeader('x-request-id', requestId);
      response.setHeader('x-content-type-options', 'nosniff');
      response.setHeader('cache-control', 'no-store');
      response.once('close', () => {
        const ms = Math.round((performance.now() - started) * 10) / 10;
        child.info(
          { method: request.method, path: request.url?.split('?')[0], status: response.statusCode, ms },
          'request',
        );
      });
      const failed = (error: unknown) => {
        const known =
          error instanceof BailiwickError
            ? error
            : new BailiwickError('INTERNAL', undefined, { cause: error });
        if (known.code === 'INTERNAL') {
          child.error({ err: error }, 'request failed');
        }
        if (response.headersSent) {
          response.destroy();
        } else {
          send(response, problem(known.code, known.message, requestId, known.status));
        }
      };
      if (request.method === 'POST' && request.url?.split('?')[0] === '/graphql') {
        readRequest(request, verifier, maxBodyBytes)
          .then((outcome) => engine(request, response, { state: { requestId, log: child, outcome } }))
          .catch(failed);
      } else {
        answer(request, pages, requestId).then((result) => send(response, result), failed);
      }
    },
  );
}

// The HTTP server: one table of routes around the GraphQL engine. Every answer carries the request id; every error outside
// GraphQL is a problem document (RFC 9457). It knows nothing of tenants, rows or policies.

import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Duplex } from 'node:stream';
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

/** As it was sent: what is not a path of ours needs no further reading. */
function pathOf(request: IncomingMessage): string {
  return request.url?.split('?')[0] ?? '';
}

async function answer(
  request: IncomingMessage,
  pages: ServerSettings['pages'],
  requestId: RequestId,
): Promise<Answer> {
  const path = pathOf(request);
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

/** Makes the server; it does not listen yet. */
export function createHttpServer({ engine, verifier, maxBodyBytes, log, pages }: ServerSettings): Server {
  const server = createServer(
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
          { method: request.method, path: pathOf(request), status: response.statusCode, ms },
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
      if (request.method === 'POST' && pathOf(request) === '/graphql') {
        readRequest(request, verifier, maxBodyBytes)
          .then((outcome) => engine(request, response, { state: { requestId, log: child, outcome } }))
          .catch(failed);
      } else {
        answer(request, pages, requestId).then((result) => send(response, result), failed);
      }
    },
  );
  return server.on('clientError', (error, socket) => refuseBroken(error, socket, log));
}

// The first things that happen to a GraphQL request, in this order: its credential is let in and verified, its body is
// read as far as the limit goes, and its JSON is taken apart. GraphQL comes after that, and what it made of the
// credential is noted. Only POST with application/json is parsed: forms and multipart, which a foreign page can send
// without asking, are not.

import type { IncomingMessage } from 'node:http';
import { type ExecutionArgs, type ExecutionResult, getOperationAST, Kind } from 'graphql';
import type { GraphQLParams, Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import { type Authentication, authenticate, type Caller } from '../auth/actor.ts';
import type { RequestHeaders } from '../auth/credentials.ts';
import type { Attempt, Failures } from '../auth/failures.ts';
import { BailiwickError } from '../errors.ts';
import type { RequestId } from '../ids.ts';
import type { Admission, Slot } from './admission.ts';
import { classify } from './present.ts';
import { checkJson } from './scalars.ts';

/** What became of a request's credential, as far as it is known; noted while the request is answered. */
export type Verdict = {
  /** The error that refuses it, whether the verifier's or the database's. */
  refusal?: BailiwickError;
  /** Whether rows were asked for, which the database answers only after it has agreed to the credential. */
  asked?: boolean;
  /** Whether they were answered. */
  proved?: boolean;
  /** Whether the answer is a stream. */
  streams?: boolean;
  /** Of which tenant the database has said that the caller is, by id. */
  tenantId?: string;
  /** What came of the operation, where it was performed before the engine was asked (known.ts). */
  performed?: Promise<ExecutionResult>;
};

/** What is known of a request from its first byte on. */
export type RequestState = {
  readonly requestId: RequestId;
  readonly log: Logger;
  /** What came of reading it: who asks for what, or why it goes no further. */
  readonly outcome:
    | { readonly caller: Caller; readonly params: GraphQLParams }
    | { readonly failure: unknown };
  readonly verdict: Verdict;
  /** Leave to work, where it had to be waited for. */
  readonly slot?: Slot | undefined;
  /** In which form an answer is accepted. */
  readonly accept?: string | undefined;
  /** How far a stream was listened to before. */
  readonly lastEventId?: string | undefined;
};

export type ServerContext = { readonly state: RequestState };

const JSON_TYPE = /^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i;

async function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  const tooLarge = () => new BailiwickError('LIMIT_EXCEEDED', `The body is larger than ${limit} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > limit) {
    throw tooLarge();
  }
  const chunks: Uint8Array[] = [];
  let size = 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  request.on('data', (chunk: Uint8Array) => {
    size += chunk.length;
    if (size > limit) {
      // the rest is let pass, so that the answer is heard; the server's own limit of time bounds it
      reject(tooLarge());
    } else {
      chunks.push(chunk);
    }
  });
  request.once('end', resolve);
  request.once('error', reject);
  request.once('close', () => {
    if (!request.complete) {
      reject(new Error('the client has gone before its body came'));
    }
  });
  await promise;
  return chunks[0] !== undefined && chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function parseBody(body: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(body));
  } catch (error) {
    throw new BailiwickError('BAD_USER_INPUT', 'The body is not JSON', { cause: error });
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Takes a request's JSON apart (GraphQL over HTTP, section 5.4). */
function readParams(body: unknown): GraphQLParams {
  if (Array.isArray(body)) {
    throw new BailiwickError('BAD_USER_INPUT', 'Batching is not supported: send one operation per request');
  }
  if (!isObject(body) || typeof body.query !== 'string') {
    throw new BailiwickError(
      'BAD_USER_INPUT',
      'The body must be an object with the text of the operation in "query"',
    );
  }
  const { query, variables, operationName, extensions } = body;
  if (variables !== undefined && variables !== null && !isObject(variables)) {
    throw new BailiwickError('BAD_USER_INPUT', '"variables" must be an object');
  }
  if (operationName !== undefined && operationName !== null && typeof operationName !== 'string') {
    throw new BailiwickError('BAD_USER_INPUT', '"operationName" must be text');
  }
  if (extensions !== undefined && extensions !== null && !isObject(extensions)) {
    throw new BailiwickError('BAD_USER_INPUT', '"extensions" must be an object');
  }
  checkJson(variables, '$');
  return {
    query,
    ...(variables ? { variables } : {}),
    ...(operationName ? { operationName } : {}),
    ...(extensions ? { extensions } : {}),
  };
}

export type Reading = Authentication & {
  readonly failures: Failures;
  readonly maxBodyBytes: number;
  readonly admission?: Admission | undefined;
};

/** The same for one request, with its proof remembered when it is its tenant's turn: that is a transaction already. */
function inTurn({ verifier, proofs, admission, ...by }: Reading): Authentication {
  if (proofs === undefined || admission === undefined) {
    return { ...by, verifier, proofs };
  }
  let tenant = '';
  return {
    ...by,
    verifier: {
      ...verifier,
      async verify(text) {
        const token = await verifier.verify(text);
        ({ tenant } = token);
        return token;
      },
    },
    proofs: {
      async first(mark, until) {
        const slot = await admission.enterFor(tenant);
        try {
          return await proofs.first(mark, until);
        } finally {
          slot.release();
        }
      },
    },
  };
}

/**
 * Reads a request as far as GraphQL itself. Never throws: a failure is part of the outcome, so that it is answered in
 * GraphQL's own shape.
 *
 * @param attempt Left out for a request that presents no credential.
 */
export async function readRequest(
  request: IncomingMessage,
  attempt: Attempt | undefined,
  reading: Reading,
): Promise<RequestState['outcome']> {
  try {
    const { failures, admission } = reading;
    admission?.letIn(attempt !== undefined && failures.isProven(attempt));
    if (attempt !== undefined) {
      await failures.admit(attempt);
    }
    const { method = '', url = '' } = request;
    const headers = headersOf(request);
    const bound = headers.get('dpop') !== null;
    const caller = await authenticate({ headers, method, url }, bound ? inTurn(reading) : reading);
    if (!JSON_TYPE.test(request.headers['content-type'] ?? '')) {
      throw new BailiwickError('BAD_USER_INPUT', 'Content-Type must be application/json', { status: 415 });
    }
    return { caller, params: readParams(parseBody(await readBody(request, reading.maxBodyBytes))) };
  } catch (failure) {
    return { failure };
  }
}

/** A request's headers, repeated ones joined by commas. */
export function headersOf({ headers }: IncomingMessage): RequestHeaders {
  return {
    get(name) {
      const value = headers[name.toLowerCase()];
      return value === undefined ? null : Array.isArray(value) ? value.join(', ') : value;
    },
  };
}

/** Who looks on with an agent's eyes changes nothing, and is told so before there is a session; nor is the view a stream. */
function refuseBeyondView({ document, operationName, contextValue }: ExecutionArgs): void {
  const { caller } = contextValue as { readonly caller: Caller };
  // an operation that cannot be told is refused by the engine itself
  const operation = getOperationAST(document, operationName)?.operation ?? 'query';
  if ('viewAs' in caller && caller.viewAs !== undefined && operation !== 'query') {
    throw new BailiwickError('BAD_USER_INPUT', `View-As is for queries only, not for a ${operation}`);
  }
}

/**
 * Notes that an operation is performed, and whether it asks for rows.
 *
 * @throws {BailiwickError} BAD_USER_INPUT where whoever looks on would change something.
 */
export function noteAsked(args: ExecutionArgs): void {
  refuseBeyondView(args);
  const operation = getOperationAST(args.document, args.operationName);
  const { verdict } = (args.contextValue as ServerContext).state;
  // The schema alone is shown to anybody with a well-formed key, so an answer about it proves nothing.
  verdict.asked =
    operation?.selectionSet.selections.some(
      (node) => node.kind !== Kind.FIELD || !node.name.value.startsWith('__'),
    ) ?? false;
}

/** Notes whether an answer shows that its credential is good: rows were asked for, and there is data. */
export function noteProved(verdict: Verdict, data: ExecutionResult['data']): void {
  verdict.proved = verdict.asked === true && data !== undefined && data !== null;
}

/** Hands Yoga what was read, in place of its own parsers, and notes what comes of the credential. */
export function useRequest(): Plugin<ServerContext, ServerContext> {
  return {
    onRequestParse({ serverContext, setRequestParser }) {
      const { outcome } = (serverContext as ServerContext).state;
      setRequestParser(() => {
        if ('failure' in outcome) {
          throw outcome.failure;
        }
        return outcome.params;
      });
    },
    onSubscribe({ args }) {
      refuseBeyondView(args);
    },
    onExecute({ args }) {
      noteAsked(args);
    },
    onResultProcess({ result, serverContext }) {
      const { verdict } = (serverContext as ServerContext).state;
      const { errors = [], data } = result as ExecutionResult;
      const refusal = errors.map(classify).find(({ code }) => code === 'UNAUTHENTICATED');
      if (refusal !== undefined) {
        verdict.refusal = refusal;
      } else {
        noteProved(verdict, data);
      }
    },
  };
}

// An answer of the server, and what must be true of every answer whatever was asked: a request id, and errors that keep to
// the closed list and tell nothing of the database.

import { expect } from 'vitest';
import { ERROR_CODES, type ErrorCode } from '../../src/errors.ts';
import { isUuid } from '../../src/ids.ts';

export type GraphError = {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: { readonly code: ErrorCode; readonly requestId: string };
};

export type Answer<Data> = {
  readonly status: number;
  readonly headers: Headers;
  /** `X-Request-Id`. */
  readonly requestId: string;
  /** As it came, with the request id taken out: what two answers must have in common to be indistinguishable. */
  readonly text: string;
  readonly body: { readonly data?: Data | null; readonly errors?: readonly GraphError[] };
};

/** What belongs to the database and to nobody outside: SQL, names of constraints and policies, paths of files. */
const INSIDE =
  /\b(select|insert into|update|delete from)\b.*\b(from|set|values|where)\b|_fkey|_pkey|_key\b|policy|row-level|row level|prisma|constraint|postgres|relation "|\/src\/|node_modules|bailiwick_/i;

/** Reads an answer of `POST /graphql`, and holds it to what is true of all. */
export async function readAnswer<Data>(response: Response): Promise<Answer<Data>> {
  const text = await response.text();
  const requestId = response.headers.get('x-request-id') ?? '';
  expect(isUuid(requestId)).toBe(true);
  const body = JSON.parse(text) as Answer<Data>['body'];
  expect('data' in body || 'errors' in body).toBe(true);
  for (const { message, extensions, ...rest } of body.errors ?? []) {
    expect(Object.keys(rest).filter((key) => key !== 'path' && key !== 'locations')).toEqual([]);
    expect(extensions).toEqual({ code: expect.any(String), requestId });
    expect(Object.keys(ERROR_CODES)).toContain(extensions.code);
    expect(message).not.toMatch(INSIDE);
  }
  return {
    status: response.status,
    headers: response.headers,
    requestId,
    text: text.replaceAll(requestId, ''),
    body,
  };
}

/** The data of an answer that has no errors. */
export function dataOf<Data>({ body }: Answer<Data>): Data {
  expect(body.errors).toBeUndefined();
  return body.data as Data;
}

/** The codes of an answer's errors. */
export function codesOf({ body }: Answer<unknown>): ErrorCode[] {
  return (body.errors ?? []).map(({ extensions }) => extensions.code);
}

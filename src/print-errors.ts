// The public list of error codes as a page, made from src/errors.ts.

import { ERROR_CODES } from './errors.ts';

export function errorsText(): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { status, meaning }]) => `| \`${code}\` | ${status} | ${meaning} |`,
  );
  return [
    '# Error codes',
    '',
    'Generated from `src/errors.ts` by `npm run generate`. The list is closed. In GraphQL the code stands in',
    '`extensions.code`, with the request id in `extensions.requestId`; the HTTP status is that of the code when the error',
    'stands for the whole answer. Outside GraphQL an error is `application/problem+json` (RFC 9457) with the same code.',
    '',
    '| code | HTTP | meaning |',
    '| --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

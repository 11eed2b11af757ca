// The closed list of what can go wrong, as far as anybody outside may know. One code, one sentence, one HTTP status.
//
// Only a `BailiwickError` reaches a client with its own message; everything else is masked as INTERNAL and logged with
// its cause. A programmer's mistake stays a TypeError and is therefore masked too. Imports nothing of ours.

/** Every public error code: what it tells the caller, and the HTTP status where the answer is not GraphQL. */
export const ERROR_CODES = {
  UNAUTHENTICATED: { status: 401, meaning: 'The request proves no identity that this server accepts.' },
  FORBIDDEN: { status: 403, meaning: 'The caller may know that this exists but may not do this with it.' },
  NOT_FOUND: { status: 404, meaning: 'There is nothing here that the caller may know of.' },
  BAD_USER_INPUT: { status: 400, meaning: 'The request is malformed; the message says where.' },
  CONFLICT: { status: 409, meaning: 'The request contradicts the present state; read again and retry.' },
  LIMIT_EXCEEDED: {
    status: 413,
    meaning: 'The request is larger, deeper or dearer than this server allows, or one of too many.',
  },
  TIMEOUT: { status: 504, meaning: 'The work took longer than this server allows; nothing was kept.' },
  UNAVAILABLE: { status: 503, meaning: 'The server cannot do this right now; retry later.' },
  INTERNAL: { status: 500, meaning: 'The server failed; the request id finds the cause in its log.' },
} as const satisfies Record<string, { status: number; meaning: string }>;

export type ErrorCode = keyof typeof ERROR_CODES;

/** An error whose code and message may be shown to the caller. The cause may not, and goes to the log only. */
export class BailiwickError extends Error {
  readonly code: ErrorCode;
  /** HTTP status where the whole answer is this error; usually the code's own. */
  readonly status: number;

  constructor(
    code: ErrorCode,
    message: string = ERROR_CODES[code].meaning,
    { status = ERROR_CODES[code].status, ...options }: ErrorOptions & { status?: number } = {},
  ) {
    super(message, options);
    this.name = 'BailiwickError';
    this.code = code;
    this.status = status;
  }
}

/** Refuses to start, or to run a command: what is wrong with the installation, all findings at once. */
export class PostureError extends Error {
  readonly findings: readonly string[];

  constructor(summary: string, findings: readonly string[]) {
    super([summary, ...findings.map((finding) => `  - ${finding}`)].join('\n'));
    this.name = 'PostureError';
    this.findings = findings;
  }
}

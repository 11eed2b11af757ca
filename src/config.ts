// The environment, read once into a frozen, typed object, with every problem reported at the same time.
//
// Each setting is one row of `SETTINGS` below; the README's table is checked against it by a test. Secrets that are not
// configured (the ticket key, the embedded server's passwords) are made by the module that needs them, under
// `dataDir`. Imports nothing of ours but the error that refuses to start and the shape of a trusted issuer.

import { resolve } from 'node:path';
import { z } from 'zod';
import { PostureError } from './errors.ts';
import { configuredIssuer, type IssuerConfig } from './trust.ts';

const url = z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgresql:// URL' });
const origin = z
  .url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' })
  .refine(
    (text) => URL.parse(text)?.origin === text,
    'must be an origin: no path, no user, no slash at the end',
  );
const integer = (min: number, max: number) =>
  z.coerce
    .number({ error: 'must be a number' })
    .int('must be a whole number')
    .min(min, `must be at least ${min}`)
    .max(max, `must be at most ${max}`);

const secret = z
  .string()
  .regex(/^[A-Za-z0-9_-]{43}$/, 'must be 32 bytes in base64url, 43 characters')
  .optional();

const issuers = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue({ code: 'custom', message: 'must be JSON' });
      return z.NEVER;
    }
  })
  .pipe(z.array(configuredIssuer));

/** name -> parser, default, description. The README prints the same three columns. */
export const SETTINGS = {
  PORT: { parse: integer(0, 65535), default: '4000', about: 'Port of the HTTP server; 0 takes a free one' },
  HOST: { parse: z.string().min(1), default: '127.0.0.1', about: 'Address the HTTP server binds to' },
  DATABASE_URL: {
    parse: url.optional(),
    default: undefined,
    about: 'PostgreSQL as the role `bailiwick_runtime`; unset means embedded',
  },
  MIGRATION_DATABASE_URL: {
    parse: url.optional(),
    default: undefined,
    about: 'The same database as the migrator; both URLs or neither',
  },
  DATA_DIR: {
    parse: z.string().min(1),
    default: '.bailiwick',
    about: 'Folder of the embedded database and of generated secrets',
  },
  TICKET_KEY: {
    parse: secret,
    default: undefined,
    about: 'Key that seals the database context, shared by all server processes; unset: made in `DATA_DIR`',
  },
  KEY_ENCRYPTION_KEY: {
    parse: secret,
    default: undefined,
    about: 'Key that wraps private signing keys, shared by all server processes; unset: made in `DATA_DIR`',
  },
  ISSUERS: {
    parse: issuers,
    default: '[]',
    about:
      'JSON array of trusted token issuers: `issuer`, `audience`, `jwksUri` or `discovery`, `types`, `algorithms`, `tenant`, `tenants`',
  },
  ALLOW_PRIVATE_ISSUERS: {
    parse: z.stringbool({ truthy: ['true'], falsy: ['false'], error: 'must be true or false' }),
    default: 'false',
    about: "`true` fetches issuers' keys from private and other special addresses too",
  },
  MODE: {
    parse: z.enum(['production', 'development']),
    default: 'production',
    about: '`development` adds the development issuer, GraphiQL, introspection and demo data',
  },
  NODE_ENV: {
    parse: z.string().optional(),
    default: undefined,
    about: '`production` forbids `MODE=development`',
  },
  LOG_LEVEL: {
    parse: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent']),
    default: 'info',
    about: 'Least severe log line written',
  },
  POOL_SIZE: { parse: integer(1, 1000), default: '10', about: 'Connections to PostgreSQL' },
  POOL_WAIT_MS: {
    parse: integer(10, 60_000),
    default: '2000',
    about: 'How long a request waits for a connection before UNAVAILABLE',
  },
  STATEMENT_TIMEOUT_MS: {
    parse: integer(10, 60_000),
    default: '3000',
    about: 'Longest statement; PostgreSQL ends it',
  },
  TRANSACTION_TIMEOUT_MS: {
    parse: integer(20, 120_000),
    default: '6000',
    about: 'Longest operation; PostgreSQL ends it, well before Prisma would',
  },
  PUBLIC_URL: {
    parse: origin.optional(),
    default: undefined,
    about:
      'Origin by which clients know this server, such as `https://api.example.com`, and its name as an issuer of tokens; unset: it issues none',
  },
  TRUST_PROXY: {
    parse: integer(0, 16),
    default: '0',
    about: 'How many proxies of yours stand in front and append to `X-Forwarded-For`',
  },
  MAX_BODY_BYTES: {
    parse: integer(1024, 16 * 1024 * 1024),
    default: '1048576',
    about: 'Largest request body',
  },
  SHUTDOWN_MS: {
    parse: integer(0, 120_000),
    default: '10000',
    about: 'How long operations in flight may still take after a stop signal',
  },
} as const;

/** Where the database is: two URLs, or an embedded server under `dataDir`. */
export type DatabaseConfig =
  | { readonly kind: 'embedded' }
  | { readonly kind: 'external'; readonly runtimeUrl: string; readonly migratorUrl: string };

export type Config = {
  readonly port: number;
  readonly host: string;
  readonly database: DatabaseConfig;
  readonly dataDir: string;
  readonly ticketKey: string | undefined;
  readonly keyEncryptionKey: string | undefined;
  readonly issuers: readonly IssuerConfig[];
  /** From where issuers' keys may be fetched. */
  readonly issuerReach: 'public' | 'loopback' | 'any';
  readonly development: boolean;
  readonly logLevel: z.infer<typeof SETTINGS.LOG_LEVEL.parse>;
  readonly pool: PoolConfig;
  readonly publicUrl: string | undefined;
  readonly trustProxy: number;
  readonly maxBodyBytes: number;
  readonly shutdownMs: number;
};

/** Sizes and limits of the connection pool; times in milliseconds. */
export type PoolConfig = {
  readonly size: number;
  readonly waitMs: number;
  readonly statementMs: number;
  readonly transactionMs: number;
};

/** In development a server is known by where it listens; elsewhere something may stand in front. */
function ownAddress(mode: string, host: string, port: number): string | undefined {
  return mode === 'development' && port !== 0
    ? `http://${host.includes(':') ? `[${host}]` : host}:${port}`
    : undefined;
}

/**
 * Parses the environment.
 *
 * @param env Usually `process.env`; an empty string counts as unset.
 * @throws {PostureError} naming every variable that is wrong and why.
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const findings: string[] = [];
  const read = <Name extends keyof typeof SETTINGS>(
    name: Name,
  ): z.infer<(typeof SETTINGS)[Name]['parse']> => {
    const setting = SETTINGS[name];
    const result = setting.parse.safeParse(env[name] || setting.default);
    if (result.success) {
      return result.data as z.infer<(typeof SETTINGS)[Name]['parse']>;
    }
    for (const issue of result.error.issues) {
      findings.push(`${[name, ...issue.path].join('.')} ${issue.message}`);
    }
    return undefined as z.infer<(typeof SETTINGS)[Name]['parse']>;
  };

  const runtimeUrl = read('DATABASE_URL');
  const migratorUrl = read('MIGRATION_DATABASE_URL');
  if ((runtimeUrl === undefined) !== (migratorUrl === undefined) && findings.length === 0) {
    findings.push(
      'DATABASE_URL and MIGRATION_DATABASE_URL go together: set both, or neither for the embedded database',
    );
  }
  const mode = read('MODE');
  if (mode === 'development' && read('NODE_ENV') === 'production') {
    findings.push(
      'MODE=development is refused when NODE_ENV=production: it would accept tokens anybody can mint',
    );
  }
  const pool = {
    size: read('POOL_SIZE'),
    waitMs: read('POOL_WAIT_MS'),
    statementMs: read('STATEMENT_TIMEOUT_MS'),
    transactionMs: read('TRANSACTION_TIMEOUT_MS'),
  };
  if (pool.statementMs > pool.transactionMs) {
    findings.push('STATEMENT_TIMEOUT_MS must not exceed TRANSACTION_TIMEOUT_MS');
  }
  const config: Config = {
    port: read('PORT'),
    host: read('HOST'),
    database:
      runtimeUrl !== undefined && migratorUrl !== undefined
        ? { kind: 'external', runtimeUrl, migratorUrl }
        : { kind: 'embedded' },
    dataDir: resolve(read('DATA_DIR') ?? '.bailiwick'),
    ticketKey: read('TICKET_KEY'),
    keyEncryptionKey: read('KEY_ENCRYPTION_KEY'),
    issuers: read('ISSUERS'),
    issuerReach: read('ALLOW_PRIVATE_ISSUERS') ? 'any' : mode === 'development' ? 'loopback' : 'public',
    development: mode === 'development',
    logLevel: read('LOG_LEVEL'),
    pool,
    publicUrl: read('PUBLIC_URL') ?? ownAddress(mode, read('HOST'), read('PORT')),
    trustProxy: read('TRUST_PROXY'),
    maxBodyBytes: read('MAX_BODY_BYTES'),
    shutdownMs: read('SHUTDOWN_MS'),
  };
  if (findings.length > 0) {
    throw new PostureError('The environment is not usable:', findings);
  }
  return Object.freeze(config);
}

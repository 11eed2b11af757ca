// Every setting of the environment: its parser, its default and what it is. The README's table is checked against it by a test.
//
// One row each; how they become a configuration is in config.ts. Imports nothing of ours but the shape of a trusted issuer.

import { z } from 'zod';
import { configuredIssuer } from './trust.ts';

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

const secret = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be 32 bytes in base64url, 43 characters');

/** Words or secrets with commas between them. */
const list = <Item extends z.ZodType<string, string>>(item: Item) =>
  z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .pipe(z.array(item));

const providers = list(z.enum(['local', 'env', 'vault', 'aws']));

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
  PROCESSES: {
    parse: integer(1, 256),
    default: '1',
    about: 'Server processes on the one port, each with a pool of its own; a core each is enough',
  },
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
  DIRECT_DATABASE_URL: {
    parse: url.optional(),
    default: undefined,
    about: 'As `DATABASE_URL`, past the pooler: for what stays on one connection, which is listening',
  },
  DATABASE_POOLER: {
    parse: z
      .enum(['transaction', 'transaction-prepared'], {
        error: 'must be transaction or transaction-prepared',
      })
      .optional(),
    default: undefined,
    about:
      'A pooler such as PgBouncer that `DATABASE_URL` leads through: `transaction`, or `transaction-prepared` where it knows prepared statements; unset: none',
  },
  REPLICA_DATABASE_URL: {
    parse: url.optional(),
    default: undefined,
    about:
      'A hot standby, as the role `bailiwick_runtime`, for queries that ask for rows a little late; unset: none',
  },
  REPLICA_MAX_LAG_MS: {
    parse: integer(1, 60_000),
    default: '1000',
    about: 'How old what is missing on the standby may be; beyond that the primary answers',
  },
  ADMIN_DATABASE_URL: {
    parse: url.optional(),
    default: undefined,
    about: 'The same database as an administrator, for `npx bailiwick migrate` alone: it makes the roles',
  },
  DATA_DIR: {
    parse: z.string().min(1),
    default: '.bailiwick',
    about: 'Folder of the embedded database and of generated secrets',
  },
  TICKET_KEY: {
    parse: secret.optional(),
    default: undefined,
    about: 'Key that seals the database context, shared by all server processes; unset: made in `DATA_DIR`',
  },
  KEY_PROVIDER: {
    parse: providers.optional(),
    default: undefined,
    about:
      'Who wraps the keys of encrypted fields and of tokens: `local` (a file in `DATA_DIR`), `env`, `vault` or `aws`; of several, with commas, the first wraps and all unwrap; unset: `env` where `KEY_ENCRYPTION_KEY` is set, else `local`',
  },
  KEY_ENCRYPTION_KEY: {
    parse: list(secret).optional(),
    default: undefined,
    about:
      'Keys of the provider `env`, shared by all server processes; of several, with commas, the first wraps',
  },
  ERASURE_DIR: {
    parse: z.string().min(1).optional(),
    default: undefined,
    about:
      'Folder of the secrets outside the database that make destroyed keys unreadable in backups too, shared by all server processes; unset: in `DATA_DIR` with the embedded database, else none',
  },
  VAULT_ADDR: { parse: z.url().optional(), default: undefined, about: 'Address of HashiCorp Vault' },
  VAULT_TOKEN: {
    parse: z.string().min(1).optional(),
    default: undefined,
    about: 'Token for Vault, unless it is in a file',
  },
  VAULT_TOKEN_FILE: {
    parse: z.string().min(1).optional(),
    default: undefined,
    about: 'File with the token for Vault, read again when it was renewed',
  },
  VAULT_NAMESPACE: {
    parse: z.string().min(1).optional(),
    default: undefined,
    about: 'Namespace in Vault',
  },
  VAULT_TRANSIT: {
    parse: z.string().regex(/^[^/]+\/[^/]+$/, 'must be <mount>/<key>'),
    default: 'transit/bailiwick',
    about: 'Mount and key of its Transit engine',
  },
  AWS_KMS_KEY: {
    parse: z.string().min(1).optional(),
    default: undefined,
    about: 'Key id, alias or ARN in AWS KMS; region and credentials are found as by every AWS client',
  },
  ISSUERS: {
    parse: issuers,
    default: '[]',
    about:
      'JSON array of trusted token issuers: `issuer`, `audience`, `jwksUri` or `discovery`, `types`, `algorithms`, `tenant`, `tenants`',
  },
  DENIED_KEY_IDS: {
    parse: list(
      z
        .string()
        .min(1, 'must be key ids with commas between them')
        .max(255, 'must be key ids of at most 255 characters'),
    ).optional(),
    default: undefined,
    about:
      "Key ids (`kid`) whose tokens are refused, whatever an issuer publishes, with commas: for when an issuer's key has leaked",
  },
  ALLOW_PRIVATE_ISSUERS: {
    parse: z.stringbool({ truthy: ['true'], falsy: ['false'], error: 'must be true or false' }),
    default: 'false',
    about: "`true` fetches issuers' keys from private and other special addresses too",
  },
  ALLOW_PRIVATE_SERVICES: {
    parse: z.stringbool({ truthy: ['true'], falsy: ['false'], error: 'must be true or false' }),
    default: 'false',
    about: '`true` lets calls to services go to private and other special addresses too',
  },
  MAX_STREAMS: {
    parse: integer(1, 100_000),
    default: '2000',
    about: 'Streams of events that may be open in this process',
  },
  MAX_STREAMS_PER_OWNER: {
    parse: integer(1, 100_000),
    default: '50',
    about: 'How many of them may be of one owner',
  },
  SERVICE_TIMEOUT_MS: {
    parse: integer(100, 120_000),
    default: '10000',
    about: 'How long a service that is called may take to answer',
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
  MAX_CONCURRENT: {
    parse: integer(1, 10_000).optional(),
    default: undefined,
    about:
      'Operations at a time; unset: one less than `POOL_SIZE`, whose last connection is for what is no operation',
  },
  MAX_CONCURRENT_PER_TENANT: {
    parse: integer(1, 10_000).optional(),
    default: undefined,
    about: 'How many of them may be of one tenant; unset: two thirds',
  },
  MAX_QUEUED: {
    parse: integer(0, 100_000),
    default: '1000',
    about:
      'How many operations may wait for their turn; beyond that, the longest queue of a tenant loses its last',
  },
  MAX_QUEUE_MS: {
    parse: integer(10, 60_000),
    default: '1000',
    about:
      'How long an operation may wait for its turn before it is refused with 503 and `Retry-After`; a fifth of that where its tenant has had somebody waiting for so long',
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

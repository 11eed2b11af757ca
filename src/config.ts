// The environment, read once into a frozen, typed object, with every problem reported at the same time.
//
// Each setting is one row of settings.ts. Secrets that are not configured (the ticket key, the embedded server's passwords) are
// made by the module that needs them, under `dataDir`.

import { join, resolve } from 'node:path';
import type { z } from 'zod';
import { PostureError } from './errors.ts';
import { SETTINGS } from './settings.ts';
import type { IssuerConfig } from './trust.ts';

/** Where the database is: two URLs, or an embedded server under `dataDir`. */
export type DatabaseConfig =
  | { readonly kind: 'embedded' }
  | {
      readonly kind: 'external';
      readonly runtimeUrl: string;
      readonly migratorUrl: string;
      /** As `runtimeUrl`, past what stands between. */
      readonly directUrl?: string | undefined;
      /** How a pooler lends to which `runtimeUrl` leads. */
      readonly pooler?: z.infer<typeof SETTINGS.DATABASE_POOLER.parse>;
      /** A hot standby, for what may be late. */
      readonly replica?: ReplicaConfig | undefined;
    };

export type Config = {
  readonly port: number;
  readonly host: string;
  readonly database: DatabaseConfig;
  /** The same database as an administrator, for `bailiwick migrate` alone. */
  readonly adminUrl: string | undefined;
  readonly dataDir: string;
  readonly ticketKey: string | undefined;
  readonly keys: KeyConfig;
  readonly issuers: readonly IssuerConfig[];
  /** Key ids that no longer count, whatever issuers publish. */
  readonly deniedKeyIds: readonly string[];
  /** From where issuers' keys may be fetched. */
  readonly issuerReach: 'public' | 'loopback' | 'any';
  /** Where calls to services of third parties may go. */
  readonly serviceReach: 'public' | 'loopback' | 'any';
  readonly serviceTimeoutMs: number;
  /** Most streams of events, in this process and of one owner. */
  readonly streams: { readonly streams: number; readonly perOwner: number };
  /** Server processes that `bailiwick start` starts on the one port. */
  readonly processes: number;
  readonly development: boolean;
  readonly logLevel: z.infer<typeof SETTINGS.LOG_LEVEL.parse>;
  readonly pool: PoolConfig;
  /** How many operations may be in work, and how many may wait, for how long. */
  readonly admission: {
    readonly concurrent: number;
    readonly perTenant: number;
    readonly queued: number;
    readonly queueMs: number;
  };
  readonly publicUrl: string | undefined;
  readonly trustProxy: number;
  readonly maxBodyBytes: number;
  readonly shutdownMs: number;
};

/** Where the standby is, and how many milliseconds old what is missing there may be. */
export type ReplicaConfig = { readonly url: string; readonly maxLagMs: number };

/** Where the outermost keys are, as `openKeyProviders` (src/crypto/providers.ts) takes it. */
export type KeyConfig = {
  readonly order: readonly ('local' | 'env' | 'vault' | 'aws')[];
  readonly file: string;
  readonly keys: readonly string[];
  readonly vault:
    | {
        readonly address: string;
        readonly token: string | undefined;
        readonly tokenFile: string | undefined;
        readonly namespace: string | undefined;
        readonly mount: string;
        readonly key: string;
        readonly timeoutMs: number;
      }
    | undefined;
  readonly aws: { readonly keyId: string; readonly timeoutMs: number } | undefined;
  /** Folder of the erasure secrets, if there is one. */
  readonly erasureDir: string | undefined;
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

type Env = Readonly<Record<string, string | undefined>>;
type Read = <Name extends keyof typeof SETTINGS>(name: Name) => z.infer<(typeof SETTINGS)[Name]['parse']>;

/** Milliseconds for which a key provider elsewhere is waited for: below the longest transaction. */
const PROVIDER_MS = 2000;

function keyConfig(read: Read, dataDir: string, embedded: boolean): KeyConfig {
  const keys = read('KEY_ENCRYPTION_KEY') ?? [];
  const address = read('VAULT_ADDR');
  const kmsKey = read('AWS_KMS_KEY');
  const erasureDir = read('ERASURE_DIR');
  const [mount = '', key = ''] = (read('VAULT_TRANSIT') ?? '').split('/');
  return {
    order: read('KEY_PROVIDER') ?? (keys.length > 0 ? ['env'] : ['local']),
    file: join(dataDir, 'encryption.key'),
    keys,
    vault:
      address === undefined
        ? undefined
        : {
            address,
            token: read('VAULT_TOKEN'),
            tokenFile: read('VAULT_TOKEN_FILE'),
            namespace: read('VAULT_NAMESPACE'),
            mount,
            key,
            timeoutMs: PROVIDER_MS,
          },
    aws: kmsKey === undefined ? undefined : { keyId: kmsKey, timeoutMs: PROVIDER_MS },
    // servers on several machines must share it, so an installation with a database elsewhere says where
    erasureDir:
      erasureDir === undefined ? (embedded ? join(dataDir, 'erasure') : undefined) : resolve(erasureDir),
  };
}

/** What a key provider that is named would need and is not set. */
function lackingFor({ order, keys, vault, aws }: KeyConfig): string[] {
  const lacking = {
    local: undefined,
    env: keys.length === 0 ? 'KEY_ENCRYPTION_KEY' : undefined,
    vault:
      vault === undefined
        ? 'VAULT_ADDR'
        : (vault.token === undefined) === (vault.tokenFile === undefined)
          ? 'either VAULT_TOKEN or VAULT_TOKEN_FILE'
          : undefined,
    aws: aws === undefined ? 'AWS_KMS_KEY' : undefined,
  };
  // of what could not be read, something was said already
  return [...new Set(order ?? [])].flatMap((scheme) =>
    lacking[scheme] === undefined ? [] : [`KEY_PROVIDER ${scheme} needs ${lacking[scheme]}`],
  );
}

/** What goes with a database of the operator's alone, and what with a pooler. */
function waysFindings(given: {
  readonly runtimeUrl: string | undefined;
  readonly directUrl: string | undefined;
  readonly pooler: string | undefined;
  readonly replicaUrl: string | undefined;
}): string[] {
  const names = [
    ...(given.replicaUrl === undefined ? [] : ['REPLICA_DATABASE_URL']),
    ...(given.pooler === undefined ? [] : ['DATABASE_POOLER']),
    ...(given.directUrl === undefined ? [] : ['DIRECT_DATABASE_URL']),
  ];
  if (given.runtimeUrl === undefined) {
    return names.map((name) => `${name} needs DATABASE_URL`);
  }
  return given.pooler !== undefined && given.directUrl === undefined
    ? ['DATABASE_POOLER needs DIRECT_DATABASE_URL: who listens must stay on one connection']
    : [];
}

/**
 * Parses the environment.
 *
 * @param env Usually `process.env`; an empty string counts as unset.
 * @throws {PostureError} naming every variable that is wrong and why.
 */
export function readConfig(env: Env): Config {
  const findings: string[] = [];
  const read = reader(env, findings);
  const runtimeUrl = read('DATABASE_URL');
  const migratorUrl = read('MIGRATION_DATABASE_URL');
  if ((runtimeUrl === undefined) !== (migratorUrl === undefined) && findings.length === 0) {
    findings.push(
      'DATABASE_URL and MIGRATION_DATABASE_URL go together: set both, or neither for the embedded database',
    );
  }
  const directUrl = read('DIRECT_DATABASE_URL');
  const pooler = read('DATABASE_POOLER');
  const replicaUrl = read('REPLICA_DATABASE_URL');
  const maxLagMs = read('REPLICA_MAX_LAG_MS');
  const replica = replicaUrl === undefined ? undefined : { url: replicaUrl, maxLagMs };
  findings.push(...waysFindings({ runtimeUrl, directUrl, pooler, replicaUrl }));
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
  const concurrent = read('MAX_CONCURRENT') ?? Math.max(1, pool.size - 1);
  const config: Config = {
    port: read('PORT'),
    host: read('HOST'),
    database:
      runtimeUrl !== undefined && migratorUrl !== undefined
        ? { kind: 'external', runtimeUrl, migratorUrl, directUrl, pooler, replica }
        : { kind: 'embedded' },
    adminUrl: read('ADMIN_DATABASE_URL'),
    dataDir: resolve(read('DATA_DIR') ?? '.bailiwick'),
    ticketKey: read('TICKET_KEY'),
    keys: keyConfig(read, resolve(read('DATA_DIR') ?? '.bailiwick'), runtimeUrl === undefined),
    issuers: read('ISSUERS'),
    deniedKeyIds: read('DENIED_KEY_IDS') ?? [],
    issuerReach: read('ALLOW_PRIVATE_ISSUERS') ? 'any' : mode === 'development' ? 'loopback' : 'public',
    serviceReach: read('ALLOW_PRIVATE_SERVICES') ? 'any' : mode === 'development' ? 'loopback' : 'public',
    serviceTimeoutMs: read('SERVICE_TIMEOUT_MS'),
    streams: { streams: read('MAX_STREAMS'), perOwner: read('MAX_STREAMS_PER_OWNER') },
    processes: read('PROCESSES'),
    development: mode === 'development',
    logLevel: read('LOG_LEVEL'),
    pool,
    admission: {
      concurrent,
      perTenant: read('MAX_CONCURRENT_PER_TENANT') ?? Math.ceil((concurrent * 2) / 3),
      queued: read('MAX_QUEUED'),
      queueMs: read('MAX_QUEUE_MS'),
    },
    publicUrl: read('PUBLIC_URL') ?? ownAddress(mode, read('HOST'), read('PORT')),
    trustProxy: read('TRUST_PROXY'),
    maxBodyBytes: read('MAX_BODY_BYTES'),
    shutdownMs: read('SHUTDOWN_MS'),
  };
  findings.push(...lackingFor(config.keys));
  refuse(findings);
  return Object.freeze(config);
}

/**
 * The key providers alone, for an application that is no server of ours and whose environment may say other things by the same names.
 *
 * @throws {PostureError} as `readConfig`.
 */
export function readKeyConfig(env: Env): KeyConfig {
  const findings: string[] = [];
  const read = reader(env, findings);
  const keys = keyConfig(read, resolve(read('DATA_DIR') ?? '.bailiwick'), false);
  findings.push(...lackingFor(keys));
  refuse(findings);
  return keys;
}

/** Reads settings one by one, and notes what is wrong with them. */
function reader(env: Env, findings: string[]): Read {
  return (name) => {
    type Value = z.infer<(typeof SETTINGS)[typeof name]['parse']>;
    const setting = SETTINGS[name];
    const result = setting.parse.safeParse(env[name] || setting.default);
    if (result.success) {
      return result.data as Value;
    }
    for (const issue of result.error.issues) {
      findings.push(`${[name, ...issue.path].join('.')} ${issue.message}`);
    }
    return undefined as Value;
  };
}

function refuse(findings: readonly string[]): void {
  if (findings.length > 0) {
    throw new PostureError('The environment is not usable:', findings);
  }
}

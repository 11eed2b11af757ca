// The whole product as src/main.ts starts it, once or several times on one database, with settings of the environment, and ways of asking it.
//
// For what is about capacity and about several servers, which the servers of test/kit/server.ts are put together without. Tokens come from
// the development issuer. Knows nothing of what is right.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SCOPES } from '../../src/capabilities.ts';
import { readConfig } from '../../src/config.ts';
import { ACTORS, type ActorName } from '../../src/demo/cast.ts';
import { developmentIssuer } from '../../src/development.ts';
import { main } from '../../src/main.ts';
import { type Answer, readAnswer } from '../kit/answer.ts';
import { createTestDatabase, type TestDatabase } from '../kit/database.ts';
import type { Operation } from '../kit/server.ts';

export type Product = {
  readonly origin: string;
  credentials(actor: ActorName | 'nobody'): Promise<Record<string, string>>;
  query<Data = unknown, Variables = Record<string, unknown>>(
    actor: ActorName,
    operation: Operation<Data, Variables>,
    variables?: Variables,
  ): Promise<Answer<Data>>;
  /** The same with other headers; any text for a body. */
  post(headers: Readonly<Record<string, string>>, body: string): Promise<Answer<unknown>>;
  stop(): Promise<void>;
};

export type Spawned = Product & {
  readonly child: ChildProcess;
  /** What it has written so far. */
  readonly said: () => string;
  /** Has a minute pass for what it only remembers for a while; of a server that was started with `CLOCK`. */
  minuteLater(): Promise<void>;
};

const BIN = fileURLToPath(new URL('../../bin/bailiwick.js', import.meta.url));

/** The setting of a server whose clock can be put forward. */
export const CLOCK = { NODE_OPTIONS: `--import ${new URL('clock.ts', import.meta.url).href}` } as const;

/** By what name a server knows itself that issues tokens; nobody has to find it there. */
export const PUBLIC_URL = 'https://api.bailiwick.example';

export type Installation = {
  readonly database: TestDatabase;
  /** The environment of each of its servers. */
  readonly env: Readonly<Record<string, string>>;
  /** Starts another server, in a process of its own. */
  spawn(settings?: Readonly<Record<string, string>>): Promise<Spawned>;
  /** The same in this process. */
  start(settings?: Readonly<Record<string, string>>): Promise<Product>;
  end(): Promise<void>;
};

/** A database of its own, and servers on it. */
export async function install(): Promise<Installation> {
  const [database, dataDir] = await Promise.all([
    createTestDatabase(),
    mkdtemp(join(tmpdir(), 'bailiwick-')),
  ]);
  const env = {
    PORT: '0',
    DATABASE_URL: database.runtimeUrl,
    MIGRATION_DATABASE_URL: database.migratorUrl,
    DATA_DIR: dataDir,
    MODE: 'development',
    LOG_LEVEL: 'silent',
    ALLOW_PRIVATE_SERVICES: 'true',
  };
  const running: Product[] = [];
  return {
    database,
    env,
    async spawn(settings = {}) {
      const product = await spawnProduct({ ...env, ...settings });
      running.push(product);
      return product;
    },
    async start(settings = {}) {
      const config = readConfig({ ...env, ...settings });
      const { url, stop } = await main(config);
      const product = asking(new URL(url).origin, config, stop);
      running.push(product);
      return product;
    },
    async end() {
      for (const product of running) {
        await product.stop();
      }
      await rm(dataDir, { recursive: true });
      await database.drop();
    },
  };
}

/** `bailiwick start` with these options, in a process of its own with this environment and nothing else of ours; returns once it listens. */
export async function spawnProduct(
  env: Readonly<Record<string, string>>,
  options: readonly string[] = [],
): Promise<Spawned> {
  const child = spawn(process.execPath, [BIN, 'start', ...options], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const exited = once(child, 'exit');
  const url = await new Promise<string>((resolve, reject) => {
    const read = (part: Buffer) => {
      text += part.toString();
      const [, found] = /^listening on (\S+?),?(\s|$)/m.exec(text) ?? [];
      if (found !== undefined) {
        resolve(found);
      }
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    exited.then(() => reject(new Error(`it did not start: ${text}`)), reject);
  });
  const product = asking(new URL(url).origin, readConfig({ ...env }), async () => {
    child.kill('SIGTERM');
    await exited;
  });
  const minutes = () => text.match(/^a minute has passed$/gm)?.length ?? 0;
  return {
    ...product,
    child,
    said: () => text,
    async minuteLater() {
      const before = minutes();
      child.kill('SIGUSR2');
      while (minutes() === before) {
        await once(child.stderr, 'data');
      }
    },
  };
}

/** Ways of asking a server that is there. */
export function asking(
  origin: string,
  of: { readonly dataDir: string; readonly development: boolean },
  stop: () => Promise<void>,
): Product {
  const issuer = developmentIssuer(of);
  const credentials: Product['credentials'] = async (actor) => {
    if (actor === 'nobody') {
      return {};
    }
    const token = await issuer.mint({ subject: actor, tenant: ACTORS[actor].tenant, scopes: SCOPES });
    return { authorization: `Bearer ${token}` };
  };
  const post = async <Data>(headers: Readonly<Record<string, string>>, body: string) => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body };
    return await readAnswer<Data>(await fetch(`${origin}/graphql`, init));
  };
  return {
    origin,
    credentials,
    post,
    async query(actor, operation, variables) {
      const body = JSON.stringify({ query: operation.toString(), variables });
      return await post(await credentials(actor), body);
    },
    stop,
  };
}

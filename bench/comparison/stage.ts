// Where measuring takes place: a server with an embedded PostgreSQL of its own and generated data in a temporary folder, load generators and
// perhaps the peer beside it, each in a process of its own, and tokens for those who ask.

import { type ChildProcess, fork, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SignJWT } from 'jose';
import type { Client } from 'pg';
import { SCOPES } from '../../src/capabilities.ts';
import { readConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/db/connect.ts';
import { freePort } from '../../src/db/embedded.ts';
import { withClient } from '../../src/db/with-client.ts';
import { DEVELOPMENT_ISSUER, developmentIssuer } from '../../src/development.ts';
import { idOf } from './filling.ts';
import type { Measured, Turns } from './measured.ts';

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
export const BIN = file('../../bin/bailiwick.js');
const MINUTE = 60_000;

/** Who asks: somebody in person, or an agent at the end of a chain of delegations. */
export type Caller = {
  readonly subject: string;
  readonly delegationId?: string;
  /** Slug; the demo's first unless given. */
  readonly tenant?: string;
};
export const ALICE: Caller = { subject: 'alice' };
/** An agent of alice's, so many delegations away from her. */
export const chained = (depth: number): Caller => ({
  subject: `agent${depth}`,
  delegationId: idOf('delegation', depth),
});

export type Stage = {
  /** Of GraphQL. */
  readonly url: string;
  /** The server's process. */
  readonly pid: number;
  readonly dataDir: string;
  readonly runtimeUrl: string;
  /** As a superuser. */
  readonly adminUrl: string;
  readonly ticketSecret: string;
  token(caller: Caller): Promise<string>;
  /** Has a generator do its task, in its own process. */
  generate(generator: 'load' | 'limit', task: object): Promise<Measured>;
  /** Has it ask several targets in turns, which may be of other stages. */
  generateInTurns(task: Turns): Promise<readonly Measured[]>;
  /** Takes a process along when it ends. */
  with(child: ChildProcess): void;
  end(): Promise<void>;
};

/** A folder for a server and its database, to be removed by who has it made. */
export async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bailiwick-bench-'));
  // for root the database runs as another user, who must be able to pass through
  await chmod(folder, 0o711);
  return folder;
}

/** @param fill Fills the database, as a superuser, while the server runs. */
export async function makeStage(fill: (client: Client) => Promise<void>): Promise<Stage> {
  const folder = await makeFolder();
  const children: ChildProcess[] = [];
  const dataDir = join(folder, 'data');
  const port = await freePort();
  const end = async () => {
    for (const child of children.reverse()) {
      await stop(child);
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const server = spawn(process.execPath, [BIN, 'start', '--development'], {
      env: {
        PATH: process.env.PATH,
        DATA_DIR: dataDir,
        PORT: String(port),
        LOG_LEVEL: 'silent',
        POOL_SIZE: '10',
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    children.push(server);
    const origin = `http://127.0.0.1:${port}`;
    await ready(`${origin}/readyz`, server);
    const config = readConfig({ DATA_DIR: dataDir, MODE: 'development' });
    const { runtimeUrl, migratorUrl, superuserUrl } = await openDatabase(config, { mode: 'attach' });
    const adminUrl = new URL(superuserUrl ?? migratorUrl);
    adminUrl.pathname = new URL(migratorUrl).pathname;
    await withClient(adminUrl.href, fill);
    const issuer = developmentIssuer({ dataDir, development: true });
    const generators = new Map<string, ChildProcess>();
    const generate = async <Answer extends object>(generator: string, task: object): Promise<Answer> => {
      const child =
        generators.get(generator) ?? fork(file(`${generator}.ts`), [], { env: { PATH: process.env.PATH } });
      if (!generators.has(generator)) {
        generators.set(generator, child);
        children.push(child);
      }
      // what is not heard any more is not waited for any more
      const over = new AbortController();
      const heard = (event: string) => once(child, event, { signal: over.signal });
      child.send(task);
      const [answer] = (await Promise.race([heard('message'), heard('exit')]).finally(() =>
        over.abort(),
      )) as [Answer | { failure: string } | number | null];
      if (answer === null || typeof answer === 'number') {
        throw new Error(`the generator ended with ${answer}`);
      }
      if ('failure' in answer) {
        throw new Error(answer.failure);
      }
      return answer;
    };
    return {
      url: `${origin}/graphql`,
      pid: server.pid ?? 0,
      dataDir,
      runtimeUrl,
      adminUrl: adminUrl.href,
      ticketSecret: (await readFile(join(dataDir, 'ticket.key'), 'utf8')).trim(),
      token: ({ subject, delegationId, tenant = 'acme' }) =>
        issuer.mint({
          tenant,
          scopes: SCOPES,
          subject,
          ...(delegationId === undefined ? {} : { delegationId: delegationId as never }),
        }),
      generate: (generator, task) => generate<Measured>(generator, task),
      generateInTurns: (task) => generate<readonly Measured[]>('load', task),
      with: (child) => void children.push(child),
      end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** A server that can be asked: the peer, or that of a stage. */
export type Peer = Pick<Stage, 'url' | 'token'>;

/** Starts the peer on the database of a stage, with which it ends. */
export async function startPeer(stage: Stage): Promise<Peer> {
  const secret = randomBytes(32).toString('base64url');
  const peer = spawn(process.execPath, [file('peer.ts')], {
    env: {
      PATH: process.env.PATH,
      POOL_SIZE: '10',
      NODE_ENV: 'production',
      GRAPHILE_ENV: 'production',
      PEER_URL: stage.runtimeUrl,
      PEER_SECRET: secret,
      TICKET_FILE: join(stage.dataDir, 'ticket.key'),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  stage.with(peer);
  const [line] = (await once(peer.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return {
    url: line.toString().trim(),
    token: ({ subject, delegationId }) =>
      new SignJWT({
        tenant: 'acme',
        scopes: SCOPES,
        ...(delegationId === undefined ? {} : { delegation: delegationId }),
      })
        .setProtectedHeader({ alg: 'HS256' })
        .setIssuer(DEVELOPMENT_ISSUER)
        .setSubject(subject)
        .setIssuedAt()
        .setExpirationTime('1h')
        .sign(Buffer.from(secret, 'base64url')),
  };
}

/** Ends a process, unless it has ended, and waits for that. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
}

async function ready(url: string, child: ChildProcess): Promise<void> {
  for (const until = Date.now() + 2 * MINUTE; Date.now() < until; await sleep(50)) {
    if (child.exitCode !== null) {
      throw new Error(`the server ended with ${child.exitCode}`);
    }
    if ((await fetch(url).catch(() => undefined))?.ok) {
      return;
    }
  }
  throw new Error('the server did not become ready');
}

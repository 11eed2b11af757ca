// Where the comparison takes place: an embedded PostgreSQL with generated data in a temporary folder, our server and the peer's each in a
// process of its own, and tokens for those who ask.

import { type ChildProcess, fork, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SignJWT } from 'jose';
import { SCOPES } from '../../src/capabilities.ts';
import { readConfig } from '../../src/config.ts';
import { openDatabase } from '../../src/db/connect.ts';
import { freePort } from '../../src/db/embedded.ts';
import { withClient } from '../../src/db/with-client.ts';
import { DEVELOPMENT_ISSUER, developmentIssuer } from '../../src/development.ts';
import { fill, idOf } from './filling.ts';
import type { Measured } from './measured.ts';

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const BIN = file('../../bin/bailiwick.js');
const MINUTE = 60_000;

/** Who asks: alice in person, or an agent at the end of a chain of so many delegations. */
export type Caller = { readonly subject: string; readonly delegationId?: string };
export const ALICE: Caller = { subject: 'alice' };
export const chained = (depth: number): Caller => ({
  subject: `agent${depth}`,
  delegationId: idOf('delegation', depth),
});

export type Stage = {
  readonly ours: string;
  readonly peer: string;
  /** Of the two servers. */
  readonly pids: { readonly ours: number; readonly peer: number };
  readonly runtimeUrl: string;
  /** As a superuser. */
  readonly adminUrl: string;
  readonly ticketSecret: string;
  /** A token as our server takes it, and one as the peer does. */
  tokens(caller: Caller): Promise<{ readonly ours: string; readonly peer: string }>;
  /** Has a generator do its task, in its own process. */
  generate(generator: 'load' | 'limit', task: object): Promise<Measured>;
  end(): Promise<void>;
};

export async function makeStage(memories: number, say: (line: string) => void): Promise<Stage> {
  const folder = await mkdtemp(join(tmpdir(), 'bailiwick-bench-'));
  // for root the database runs as another user, who must be able to pass through
  await chmod(folder, 0o711);
  const children: ChildProcess[] = [];
  const dataDir = join(folder, 'data');
  const port = await freePort();
  const env = {
    PATH: process.env.PATH,
    DATA_DIR: dataDir,
    PORT: String(port),
    LOG_LEVEL: 'silent',
    POOL_SIZE: '10',
  };
  const end = async () => {
    for (const child of children.reverse()) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
    }
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const server = spawn(process.execPath, [BIN, 'start', '--development'], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    children.push(server);
    const ours = `http://127.0.0.1:${port}`;
    await ready(`${ours}/readyz`, server);
    const config = readConfig({ DATA_DIR: dataDir, MODE: 'development' });
    const { runtimeUrl, migratorUrl, superuserUrl } = await openDatabase(config, { mode: 'attach' });
    const adminUrl = new URL(superuserUrl ?? migratorUrl);
    adminUrl.pathname = new URL(migratorUrl).pathname;
    await withClient(adminUrl.href, (client) =>
      fill(client, memories, (done) => process.stderr.write(`${done} of ${memories} memories\n`)),
    );
    say(`filled: ${memories} memories`);
    const secret = randomBytes(32).toString('base64url');
    const peer = spawn(process.execPath, [file('peer.ts')], {
      env: {
        ...env,
        NODE_ENV: 'production',
        GRAPHILE_ENV: 'production',
        PEER_URL: runtimeUrl,
        PEER_SECRET: secret,
        TICKET_FILE: join(dataDir, 'ticket.key'),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(peer);
    const [line] = (await once(peer.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    const issuer = developmentIssuer({ dataDir, development: true });
    const generators = new Map<string, ChildProcess>();
    return {
      ours: `${ours}/graphql`,
      peer: line.toString().trim(),
      pids: { ours: server.pid ?? 0, peer: peer.pid ?? 0 },
      runtimeUrl,
      adminUrl: adminUrl.href,
      ticketSecret: (await readFile(join(dataDir, 'ticket.key'), 'utf8')).trim(),
      async tokens({ subject, delegationId }) {
        const claims = { tenant: 'acme', scopes: SCOPES, subject };
        const ours = await issuer.mint({
          ...claims,
          ...(delegationId === undefined ? {} : { delegationId: delegationId as never }),
        });
        const peer = await new SignJWT({
          tenant: 'acme',
          scopes: SCOPES,
          ...(delegationId === undefined ? {} : { delegation: delegationId }),
        })
          .setProtectedHeader({ alg: 'HS256' })
          .setIssuer(DEVELOPMENT_ISSUER)
          .setSubject(subject)
          .setIssuedAt()
          .setExpirationTime('1h')
          .sign(Buffer.from(secret, 'base64url'));
        return { ours, peer };
      },
      async generate(generator, task) {
        const child =
          generators.get(generator) ?? fork(file(`${generator}.ts`), [], { env: { PATH: process.env.PATH } });
        if (!generators.has(generator)) {
          generators.set(generator, child);
          children.push(child);
        }
        child.send(task);
        const [answer] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [
          Measured | { failure: string } | number | null,
        ];
        if (answer === null || typeof answer === 'number') {
          throw new Error(`the generator ended with ${answer}`);
        }
        if ('failure' in answer) {
          throw new Error(answer.failure);
        }
        return answer;
      },
      end,
    };
  } catch (error) {
    await end();
    throw error;
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

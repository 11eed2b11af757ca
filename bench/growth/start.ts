// Start-up: how long `bailiwick start` takes from the moment its process is made to the first answer of a query, on an embedded database that is
// there already, for development and for production; and with an empty folder, where the database is made first.
//
// The query reads a page of memories, so that an answer means that everything works. In production it comes with an API key, made before.

import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SCOPES } from '../../src/capabilities.ts';
import { freePort } from '../../src/db/embedded.ts';
import { developmentIssuer } from '../../src/development.ts';
import { BIN, makeFolder, stop } from '../comparison/stage.ts';
import { median } from '../encryption/figures.ts';
import { residentOf } from './memory.ts';
import { CREATE_KEY, FIRST_QUERY } from './operations.ts';

/** Milliseconds since the process was made. */
export type Start = {
  /** The program is loaded, and turns to the database. */
  readonly loaded: number;
  /** PostgreSQL takes connections. */
  readonly database: number;
  readonly listening: number;
  readonly answered: number;
  /** Processor time of the server's process until then, without PostgreSQL's: what is left on a machine where nobody else works. */
  readonly processor: number;
  /** MiB that the server's process then holds. */
  readonly resident: number;
};

export type Starts = {
  readonly name: string;
  readonly starts: readonly Start[];
};

/** Milliseconds until the first answer, on a database that is there. */
export const GOAL = 1500;
const FIRST_STARTS = 3;
const POLL = 2;
const PATIENCE = 60_000;

/** The middle and the longest of all starts. */
export const answeredOf = ({ starts }: Starts) => {
  const all = starts.map(({ answered }) => answered);
  return { median: median(all), worst: Math.max(...all) };
};

/** @param starts How often each is started on what is there. */
export async function measureStart(starts: number, note: (starts: Starts) => void): Promise<void> {
  const folder = await makeFolder();
  try {
    const first: Start[] = [];
    let dataDir = '';
    for (let n = 0; n < FIRST_STARTS; n += 1) {
      dataDir = join(folder, `data-${n}`);
      first.push(await timed(dataDir, true, () => bearer(dataDir)));
    }
    note({ name: 'first start, empty folder, development', starts: first });
    const key = await makeKey(dataDir);
    // in turns, so that what else the machine does meets both alike
    const development: Start[] = [];
    const production: Start[] = [];
    for (let n = 0; n < starts; n += 1) {
      development.push(await timed(dataDir, true, () => bearer(dataDir)));
      production.push(await timed(dataDir, false, async () => ({ 'x-api-key': key })));
    }
    note({ name: 'existing database, development', starts: development });
    note({ name: 'existing database, production', starts: production });
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

type Headers = Readonly<Record<string, string>>;

async function bearer(dataDir: string): Promise<Headers> {
  const issuer = developmentIssuer({ dataDir, development: true });
  const token = await issuer.mint({ tenant: 'acme', subject: 'alice', scopes: SCOPES });
  return { authorization: `Bearer ${token}` };
}

type Launched = { readonly url: string; readonly server: ChildProcess; readonly steps: Map<string, number> };

/** Starts a server, and notes when it says what. */
async function launch(dataDir: string, development: boolean): Promise<Launched & { readonly began: number }> {
  const port = await freePort();
  const steps = new Map<string, number>();
  const began = performance.now();
  const server = spawn(process.execPath, [BIN, 'start', ...(development ? ['--development'] : [])], {
    env: { PATH: process.env.PATH, DATA_DIR: dataDir, PORT: String(port), LOG_LEVEL: 'silent' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = (part: Buffer) => {
    for (const line of part.toString().split('\n')) {
      const [step = ''] = line.split(/[ ,]/);
      steps.set(step, steps.get(step) ?? performance.now() - began);
    }
  };
  server.stdout.on('data', said);
  server.stderr.on('data', said);
  return { url: `http://127.0.0.1:${port}/graphql`, server, steps, began };
}

async function timed(
  dataDir: string,
  development: boolean,
  credentials: () => Promise<Headers>,
): Promise<Start> {
  const { url, server, steps, began } = await launch(dataDir, development);
  try {
    await listening(server, steps);
    const response = await ask(url, await credentials(), FIRST_QUERY);
    const answered = performance.now() - began;
    const processor = await processorOf(server.pid ?? 0);
    if (!response.includes('"edges":[{')) {
      throw new Error(`the first answer shows nothing: ${response.slice(0, 500)}`);
    }
    const at = (step: string) => steps.get(step) ?? Number.NaN;
    return {
      loaded: at('database'),
      database: at('migrations'),
      listening: at('listening'),
      answered,
      processor,
      resident: await residentOf(server.pid ?? 0),
    };
  } finally {
    await stop(server);
  }
}

/** Milliseconds that a process has computed, from the 14th and 15th field of its `stat`, in hundredths of a second. */
async function processorOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // the second field is a name in parentheses, which may hold spaces
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

async function listening(server: ChildProcess, steps: Map<string, number>): Promise<void> {
  for (const until = Date.now() + PATIENCE; !steps.has('listening'); await sleep(POLL)) {
    if (server.exitCode !== null || Date.now() > until) {
      throw new Error(`the server did not start: ${[...steps.keys()].join(' ')}`);
    }
  }
}

async function ask(url: string, credentials: Headers, query: string): Promise<string> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { ...credentials, 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  return await response.text();
}

/** An API key of alice's, for a server that takes no tokens of development. */
async function makeKey(dataDir: string): Promise<string> {
  const { url, server, steps } = await launch(dataDir, true);
  try {
    await listening(server, steps);
    const answer = await ask(url, await bearer(dataDir), CREATE_KEY);
    const [, key] = /"key":"([^"]+)"/.exec(answer) ?? [];
    if (key === undefined) {
      throw new Error('no API key was made');
    }
    return key;
  } finally {
    await stop(server);
  }
}

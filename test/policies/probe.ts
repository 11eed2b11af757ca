// Tries everything on a database and says what came of it. ACCESS.txt is printed from its answer, and a change to any
// policy must change its answer (test/assurance/mutation): one source for what people read and for what is proven.
//
// Each voice speaks in one transaction of its own, every attempt in a savepoint that is rolled back. All statements of
// a voice are sent at once: what takes the time is the waiting, not the database.

import pg, { type Client, type QueryResult } from 'pg';
import { id } from '../../src/demo/cast.ts';
import type { RequestId } from '../../src/ids.ts';
import { type Database, ticket, trustTickets } from '../kit/as.ts';
import { BLOCKS, statement, title, VERBS, type Verb } from './attempts.ts';
import { serviceTicket } from './credentials.ts';
import { specials } from './specials.ts';
import { isSomebody, type Relation, VOICES, type Voice } from './voices.ts';

/** What came of each attempt: the number of rows touched or a value that was read, or a SQLSTATE. */
export type Findings = ReadonlyMap<string, string>;

type Attempt = { readonly key: string; readonly text: string; readonly values: readonly unknown[] };

/** The key of a cell of ACCESS.txt. */
export function cell(block: string, voice: string, relation: Relation, verb: Verb): string {
  return `${block} / ${voice} / ${verb} / ${relation}`;
}

export type ProbeOptions = {
  /** The table whose policies decide; left out: all tables and the kernel's functions. */
  readonly only?: string | undefined;
  /** The voices that speak; left out: all. */
  readonly voices?: ReadonlySet<string> | undefined;
  /** Asked after each voice; true ends the probe. */
  readonly enough?: (findings: Findings) => boolean;
};

/** Tries everything, or what concerns one table, until it is enough. */
export async function probe(database: Database, options?: ProbeOptions): Promise<Findings> {
  const client = await probing(database);
  try {
    return await probeOn(client, options);
  } finally {
    await client.end();
  }
}

/** A connection to probe on. */
export async function probing(database: Database): Promise<Client> {
  await trustTickets(database);
  const client = new pg.Client({ connectionString: database.runtimeUrl, pipeline: true });
  await client.connect();
  return client;
}

/** The same as `probe` on a connection that is there already, and stays. */
export async function probeOn(
  client: Client,
  { only, voices, enough }: ProbeOptions = {},
): Promise<Findings> {
  const findings = new Map<string, string>();
  for (const voice of VOICES.filter(({ name }) => voices?.has(name) ?? true)) {
    for (const [key, value] of await speak(client, voice, attempts(voice, only))) {
      findings.set(key, value);
    }
    if (enough?.(findings)) {
      break;
    }
  }
  return findings;
}

/** Whose finding it is, by its key. */
export const voiceOf = (key: string): string => key.split(' / ')[1] ?? '';

function attempts(voice: Voice, only: string | undefined): Attempt[] {
  const list: Attempt[] = [];
  for (const block of BLOCKS.filter(({ table }) => only === undefined || table === only)) {
    for (const relation of block.relations) {
      for (const verb of VERBS) {
        const tried = statement(block, voice, relation, verb);
        if (tried !== undefined) {
          list.push({ key: cell(title(block), voice.name, relation, verb), ...tried });
        }
      }
    }
  }
  for (const { name, table, statement: tried } of specials(voice)) {
    if (only === undefined || table === only) {
      list.push({ key: `${table ?? 'kernel'} / ${voice.name} / ${name}`, ...tried });
    }
  }
  return list;
}

/** The request in which everybody speaks. */
const REQUEST = id<RequestId>(7, 'a44a961');

async function speak(client: Client, voice: Voice, tries: readonly Attempt[]): Promise<Map<string, string>> {
  const send = (text: string, values?: unknown[]) => client.query(text, values).then(outcome, refusal);
  const begun = send('begin isolation level read committed');
  // by the number of the request is decided whether what is read is written down: this one is where one in two are not
  const shown =
    voice.actor === undefined ? serviceTicket() : ticket(voice.actor, { ...voice, requestId: REQUEST });
  const opened = isSomebody(voice) ? send(`select bailiwick.open($1, $2) ->> 'receipts'`, shown) : begun;
  const saved = send('savepoint attempt');
  const results = tries.map(({ text, values }) => {
    const result = send(text, [...values]);
    void send('rollback to savepoint attempt');
    return result;
  });
  const ended = send('rollback');
  const opening = await opened;
  await Promise.all([saved, ended]);
  const findings = new Map<string, string>([[`kernel / ${voice.name} / opens`, opening]]);
  for (const [index, { key }] of tries.entries()) {
    findings.set(key, (await results[index]) ?? '');
  }
  return findings;
}

/** A single value that was read speaks for itself; otherwise what counts is how many rows were touched. */
function outcome({ command, rows, rowCount, fields }: QueryResult): string {
  const name = fields[0]?.name;
  const single =
    command === 'SELECT' && rowCount === 1 && name !== undefined && name !== 'id' && name !== 'entity_id';
  return single ? String(rows[0]?.[name]) : String(rowCount);
}

function refusal(error: { code?: unknown }): string {
  return String(error.code);
}

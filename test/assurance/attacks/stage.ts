// Where attacks in SQL take place: one transaction for each on one connection, as the runtime role, rolled back at the end.
//
// What a case needs is prepared first, by the server's administrator in the same transaction. Steps are sent at once
// without waiting; a step that must be refused stands in a savepoint. After an attack nothing of what stands in the
// tables may be different. An outcome tells what a step answered, never an id or a time, so it is the same every time.

import { createHmac } from 'node:crypto';
import pg, { type Client, type QueryResult } from 'pg';
import { TABLES as READ } from '../../../src/assurance/rows.ts';
import type { ActorName } from '../../../src/demo/cast.ts';
import { type Acting, type Database, KEY, type Sql, ticket, trustTickets } from '../../kit/as.ts';
import { ALLOWED, type Attack, REFUSED } from './attack.ts';
import { timely } from './timely.ts';

type Values = readonly unknown[];

/** One statement, and what it must answer: its single value, how many rows it touched, or the SQLSTATE of its refusal. */
export type Step = {
  readonly text: string;
  readonly values?: Values | (() => Values);
  readonly expect: string;
  /** Sent by the administrator: to look at what the runtime role cannot, or to change something in between. */
  readonly aside?: boolean;
};

export type SqlAttack = Attack & {
  readonly isolation?: 'repeatable read' | 'serializable';
  readonly given?: (sql: Sql) => Promise<unknown>;
  readonly steps: readonly Step[];
  /** The SQLSTATE with which already the preparation must be refused, to whom has all rights on the tables. */
  readonly unpreparable?: string;
  /** Whether what it does rightly, on the way, changes rows; otherwise none may be different afterwards. */
  readonly changes?: boolean;
  /** On the runtime role's own connection: for what ends its transaction or becomes somebody else. Nothing is given. */
  readonly login?: boolean;
};

export type Stage = {
  /** Resolves when everything is on its way; the outcome comes later. Several may be on their way, each after the other. */
  attempt(attack: SqlAttack): Promise<{ readonly outcome: Promise<string> }>;
  leave(): Promise<void>;
};

/** Opens the context as an actor of the cast. */
export function open(actor: ActorName, acting: Acting = {}): Step {
  return opened(() => ticket(actor, acting), 'true');
}

/** Opens it with whatever ticket, and says what must come of that. */
export function opened(make: () => readonly [unknown, unknown], expect: string): Step {
  return { text: 'select bailiwick.open($1, $2) is not null', values: make, expect };
}

/** A step by its text. */
export function step(text: string, expect: string | number, values?: Values | (() => Values)): Step {
  return { text, expect: String(expect), ...(values && { values }) };
}

/** The same, sent by the administrator. */
export function aside(text: string, expect: string | number, values?: Values): Step {
  return { ...step(text, expect, values), aside: true };
}

export function sign(text: string, key = KEY.key): string {
  return createHmac('sha256', key).update(text).digest('hex');
}

/** What an attack must leave as it was: every table there is. */
export const TABLES: readonly string[] = [
  ...READ,
  'identities',
  'audit_entries',
  'bailiwick.context_key',
  'bailiwick.events',
  'bailiwick.key_rotations',
  'bailiwick.policy_state',
  'bailiwick.refresh_tokens',
  'bailiwick.signing_keys',
  'bailiwick.spent',
];
/** All there is, as one value; in an order of its own, because parallel workers answer in any. */
export const ALL = `select md5(string_agg(f, ',' order by f)) from (${TABLES.map(
  (table) => `select coalesce(md5(string_agg(t::text, ',' order by t::text)), '') f from ${table} t`,
).join(' union all ')}) x`;
/** The same; what is passed, where the transaction has written nothing. */
const FINGERPRINT = {
  name: 'fingerprint',
  text: `select case when pg_current_xact_id_if_assigned() is null and $1::text is not null then $1 else (${ALL}) end`,
};
/** How many rows this transaction has touched so far: as good, and cheaper, where preparations have written. */
const TOUCHED = {
  name: 'touched',
  text: `select sum(pg_stat_get_xact_tuples_inserted(t) + pg_stat_get_xact_tuples_updated(t) + pg_stat_get_xact_tuples_deleted(t))
           from (select unnest('{${TABLES.join(',')}}'::regclass[]) union all
                 -- rows are counted where they are: in the part of a table that holds them
                 select inhrelid from pg_inherits where inhparent = any ('{${TABLES.join(',')}}'::regclass[])) x (t)
          where $1::text is not null`,
};
const SQLSTATE = /^[0-9A-Z]{5}$/;
const BECOME = {
  runtime: 'set local session authorization bailiwick_runtime',
  administrator: 'set local session authorization default',
} as const;

/** Connects to a database; at most seconds are given to any statement, because a fault can make one endless. */
export async function enter(database: Database): Promise<Stage> {
  await trustTickets(database);
  const connect = async (connectionString: string) => {
    const client = new pg.Client({ connectionString, pipeline: true, options: '-c statement_timeout=5000' });
    await client.connect();
    return client;
  };
  const [administrator, runtime] = await Promise.all([
    connect(database.adminUrl),
    connect(database.runtimeUrl),
  ]);
  const asFound = await sender(administrator)(ALL);
  return {
    attempt: (attack) => (attack.login ? besides(runtime, attack) : within(administrator, attack, asFound)),
    async leave() {
      await Promise.all([administrator.end(), runtime.end()]);
    },
  };
}

/** One attempt in one transaction, prepared and looked at by the administrator. */
async function within(
  client: Client,
  attack: SqlAttack,
  asFound: string,
): Promise<{ outcome: Promise<string> }> {
  const began = Date.now();
  const send = sender(client, began);
  const failures: Promise<string>[] = [send(`begin isolation level ${attack.isolation ?? 'read committed'}`)];
  await attack.given?.(preparing(send, client, (answered) => failures.push(answered)));
  const look = attack.given === undefined ? FINGERPRINT : TOUCHED;
  const watched = !attack.control && !attack.changes;
  const before = watched ? send(look.text, [asFound], look.name) : undefined;
  void send(BECOME.runtime);
  const answers = attack.steps.map((one) => {
    if (!one.aside) {
      return take(send, one);
    }
    void send(BECOME.administrator);
    const answered = take(send, one);
    void send(BECOME.runtime);
    return answered;
  });
  void send(BECOME.administrator);
  const after = watched ? send(look.text, [asFound], look.name) : undefined;
  const ended = send('rollback');
  async function settle(): Promise<string> {
    const unprepared = (await Promise.all(failures)).find((answered) => SQLSTATE.test(answered));
    const outcome = judge(attack, await Promise.all(answers));
    const untouched = (await before) === (await after);
    await ended;
    if (attack.unpreparable !== undefined) {
      return unprepared === attack.unpreparable
        ? REFUSED
        : `made, or refused otherwise: ${unprepared ?? 'made'}`;
    }
    if (unprepared !== undefined) {
      return `could not be prepared: ${unprepared}`;
    }
    return outcome === REFUSED && !untouched ? 'refused, and yet something is different' : outcome;
  }
  return { outcome: settle() };
}

/** One attempt on the runtime role's own connection, which is left as it was found. */
async function besides(client: Client, attack: SqlAttack): Promise<{ outcome: Promise<string> }> {
  const send = sender(client);
  void send('begin');
  const answers = attack.steps.map((one) => take(send, one));
  void send('rollback');
  const ended = send('discard all');
  const outcome = Promise.all(answers).then(async (list) => {
    await ended;
    return judge(attack, list);
  });
  return { outcome };
}

type Send = (text: string, values?: Values, name?: string) => Promise<string>;

function sender(client: Client, began = Date.now()): Send {
  return (text, values = [], name) =>
    client.query({ text, values: timely(values, began), ...(name && { name }) }).then(answer, refusal);
}

function take(send: Send, { text, values = [], expect }: Step): Promise<string> {
  const list = typeof values === 'function' ? values() : values;
  if (!SQLSTATE.test(expect)) {
    return send(text, list);
  }
  void send('savepoint attempt');
  const answered = send(text, list);
  void send('rollback to savepoint attempt');
  return answered;
}

/** A single value that was read speaks for itself; otherwise what counts is how many rows were touched. */
function answer({ rows, rowCount, fields }: QueryResult): string {
  const [field, ...others] = fields ?? [];
  if (field === undefined || others.length > 0 || rowCount !== 1) {
    return String(rowCount);
  }
  const value: unknown = rows[0]?.[field.name];
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}

function refusal(error: unknown): string {
  return String((error as { code?: unknown }).code ?? error);
}

/** Without ids and MACs, which are others each time. */
function masked(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/[0-9a-f]{64}/g, '<mac>');
}

/** The first step that did not end as it should is what came of the attempt. */
function judge(attack: SqlAttack, answers: readonly string[]): string {
  const index = attack.steps.findIndex(({ expect }, at) => answers[at] !== expect);
  const failed = attack.steps[index];
  if (failed === undefined) {
    return attack.control ? ALLOWED : REFUSED;
  }
  const brief = failed.text.replaceAll(/\s+/g, ' ').slice(0, 100);
  return masked(`step ${index + 1} answered ${answers[index]}, not ${failed.expect}: ${brief}`);
}

/** What preparations are given: they send without waiting, so nothing can be read. */
function preparing(send: Send, client: Client, sent: (answered: Promise<string>) => void): Sql {
  const run = async (text: string, values?: Values) => {
    sent(send(text, values));
    return 0;
  };
  const unread = () => {
    throw new TypeError('preparations read nothing');
  };
  return {
    client,
    rows: async (text, values) => {
      await run(text, values);
      return [];
    },
    touched: run,
    list: unread,
    value: unread,
    outcome: unread,
  };
}

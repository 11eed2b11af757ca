// One race: somebody works through a chain of delegations while somebody else ends it, and every statement is judged by when
// it was sent and answered.
//
// In one half of the races the chain's user stays in a transaction that was sealed before the end, in the other half it opens
// one transaction after the other. It sends what the server's shield sends, without Prisma and the second layer, so that only the
// database stands in the way. One process sends everything, so "sent after the end was acknowledged" is a fact and not a
// matter of clocks. Where time itself ends the chain, the server's clock judges: the statement's own timestamp.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, QueryConfig, QueryResult } from 'pg';
import { SCOPES } from '../../../src/capabilities.ts';
import { issueTicket, type TokenClaims } from '../../../src/db/ticket.ts';
import { newId, type RequestId } from '../../../src/ids.ts';
import { ISSUER, KEY } from '../../kit/as.ts';
import type { Dice } from './dice.ts';
import type { Party } from './parties.ts';

const NOW = '(extract(epoch from statement_timestamp()) * 1000000)::bigint::text as at';
/** `rows` is what it saw or touched, `foreign` what of it belongs to somebody else. */
const FOUND =
  'count(*)::int as rows, (count(*) filter (where tenant_id <> $1 or owner_id <> $2))::int as foreign';
const READ = { name: 'race_read', text: `select ${NOW}, ${FOUND} from memories` };
const UPDATE = {
  name: 'race_update',
  text: `with touched as (update memories set kind = 'used' returning tenant_id, owner_id)
         select ${NOW}, ${FOUND} from touched`,
};
const INSERT = {
  name: 'race_insert',
  text: `insert into memories (tenant_id, owner_id, world_id, id, content) values ($1, $2, $3, $4, 'raced')
         returning ${NOW}, 1 as rows, 0 as foreign`,
};

export type When = 'before' | 'overlapping' | 'after';

/** What a number of races came to. */
export type Tally = {
  races: number;
  /** Races in which the chain's user saw rows, and later none. */
  turned: number;
  /** Races in which a statement was under way when the end was. */
  overlapped: number;
  readonly statements: Record<When, number>;
  /** Statements that saw or touched a row, or wrote one. */
  readonly effective: Record<When, number>;
  /** Inserts whose transaction was committed. */
  kept: number;
  readonly wrong: string[];
};

export function newTally(): Tally {
  const none = () => ({ before: 0, overlapping: 0, after: 0 });
  return { races: 0, turned: 0, overlapped: 0, statements: none(), effective: none(), kept: 0, wrong: [] };
}

export type Ending = {
  /** The subject that uses the chain, and how many hops lead to it. */
  readonly agent: string;
  readonly depth: number;
  /** Whether the chain is limited to the world of the party. */
  readonly world?: boolean;
  /** Ends the chain; resolves when that is committed, if time ends it with when, in microseconds. */
  readonly end: () => Promise<number | undefined>;
  /** When the token of the chain's user ends. */
  readonly tokenExpiresAt?: Date;
};

export function claimsOf(party: Party, subject: string, more: Partial<TokenClaims> = {}): TokenClaims {
  return {
    kind: 'token',
    tenant: party.slug,
    issuer: ISSUER,
    subject,
    scopes: SCOPES,
    tokenExpiresAt: new Date(Date.now() + 600_000),
    tokenIssuedAt: new Date(),
    requestId: newId(),
    ...more,
  };
}

type Phase = 'before' | 'under way' | 'ended';
type Answer = { at?: string; rows: number; foreign: number };
/** What a statement is judged by. */
type Sent = { readonly what: string; readonly phase: Phase; readonly acknowledged: boolean };

export class Race {
  readonly #tally: Tally;
  readonly #party: Party;
  readonly #ending: Ending;
  #phase: Phase = 'before';
  /** The end was acknowledged, even if it has not come yet. */
  #acknowledged = false;
  /** When the chain ends by time, in microseconds. */
  #until = Number.POSITIVE_INFINITY;
  #overlapped = false;
  /** The chain was seen to work, so that its end can begin. */
  readonly #seen = Promise.withResolvers<void>();
  /** How many rows the first statement reached, and the last. */
  #first = -1;
  #last = -1;

  constructor(tally: Tally, party: Party, ending: Ending) {
    this.#tally = tally;
    this.#party = party;
    this.#ending = ending;
    if (ending.tokenExpiresAt !== undefined) {
      this.#until = ending.tokenExpiresAt.getTime() * 1000;
    }
  }

  /** Runs it on a connection of the runtime role. */
  async run(client: Client, roll: Dice): Promise<void> {
    const stays = roll(2) === 0;
    const pause = roll(4);
    const used = stays ? this.#stay(client, pause) : this.#come(client, pause);
    // a user that fails must not keep the end waiting, nor the other way round
    const over = used.finally(() => this.#seen.resolve());
    await Promise.all([over, this.#seen.promise.then(() => this.#finish())]);
    this.#tally.races += 1;
    this.#tally.turned += this.#first > 0 && this.#last === 0 ? 1 : 0;
    this.#tally.overlapped += this.#overlapped ? 1 : 0;
  }

  async #finish(): Promise<void> {
    this.#phase = 'under way';
    let until: number | undefined;
    try {
      until = await this.#ending.end();
      this.#acknowledged = true;
    } finally {
      if (until !== undefined) {
        this.#until = until;
      } else if (this.#until === Number.POSITIVE_INFINITY) {
        this.#phase = 'ended';
      }
    }
  }

  /** Lets the end begin after the first use; the second use begins with it, or a moment later, as the dice will. */
  async #pace(uses: number, pause: number): Promise<void> {
    if (uses === 1) {
      this.#seen.resolve();
      if (pause > 1) {
        await sleep(pause - 1);
      }
    }
  }

  /** One transaction, sealed before the end and open until after it. */
  async #stay(client: Client, pause: number): Promise<void> {
    try {
      await Promise.all(this.#begin(client));
      for (let uses = 0, late = false; !late; uses += 1) {
        await this.#pace(uses, pause);
        late = this.#phase === 'ended';
        // reads and updates in turn, and after the end one or the other by the dice
        const updates = late ? pause % 2 === 1 : uses % 3 === 2;
        await (updates ? this.#update(client) : this.#read(client));
      }
      await this.#insert(client);
    } finally {
      await client.query('rollback');
    }
  }

  /** One transaction after the other, each in one write, until one has begun after the end. */
  async #come(client: Client, pause: number): Promise<void> {
    for (let uses = 0, late = false; !late; uses += 1) {
      await this.#pace(uses, pause);
      late = this.#phase === 'ended';
      const requestId = newId<RequestId>();
      const close = { name: 'race_close', text: 'select bailiwick.close($1)', values: [requestId] };
      // at first both, then inserts and reads in turn, and after the end both
      const inserts = late || uses === 0 || uses % 2 === 1;
      const reads = late || uses % 2 === 0;
      const [, , , inserted, , committed] = await Promise.all([
        ...this.#begin(client, requestId),
        reads ? this.#read(client) : undefined,
        inserts ? this.#insert(client) : undefined,
        client.query(close).catch(() => undefined),
        client.query({ name: 'race_commit', text: 'commit' }),
      ]);
      const command = inserted === false ? 'ROLLBACK' : 'COMMIT';
      if (committed.command !== command) {
        this.#note(`${committed.command} where ${command} was to be expected`);
      }
      this.#tally.kept += inserted === true ? 1 : 0;
    }
  }

  #begin(client: Client, requestId = newId<RequestId>()): [Promise<QueryResult>, Promise<QueryResult>] {
    const { agent, depth, tokenExpiresAt } = this.#ending;
    const delegation = this.#party.delegation(depth);
    const more = { delegation, requestId, ...(tokenExpiresAt && { tokenExpiresAt }) };
    const values = issueTicket(claimsOf(this.#party, agent, more), KEY);
    return [
      client.query({ name: 'race_begin', text: 'begin isolation level read committed' }),
      client.query({ name: 'race_open', text: 'select bailiwick.open($1, $2)', values }),
    ];
  }

  #read(client: Client): Promise<number> {
    return this.#watch('read', client, { ...READ, values: this.#owner() });
  }

  #update(client: Client): Promise<number> {
    return this.#watch('update', client, { ...UPDATE, values: this.#owner() });
  }

  /** Whether it was accepted. */
  async #insert(client: Client): Promise<boolean> {
    const sent = this.#send('insert');
    const world = this.#ending.world ? this.#party.entity('world') : null;
    const insert = { ...INSERT, values: [...this.#owner(), world, newId()] };
    try {
      const { rows } = await client.query<Answer>(insert);
      this.#judge(sent, rows[0] ?? { rows: 0, foreign: 0 });
      return true;
    } catch (error) {
      if ((error as { code?: string }).code !== '42501') {
        this.#note(`insert: ${error}`);
      }
      this.#judge(sent, { rows: 0, foreign: 0 });
      return false;
    }
  }

  #owner(): [string, string] {
    return [this.#party.tenantId, this.#party.entity('owner')];
  }

  async #watch(what: string, client: Client, statement: QueryConfig): Promise<number> {
    const sent = this.#send(what);
    const { rows } = await client.query<Answer>(statement);
    const answer = rows[0] ?? { rows: 0, foreign: 0 };
    this.#judge(sent, answer);
    this.#last = answer.rows;
    this.#first = this.#first < 0 ? answer.rows : this.#first;
    return answer.rows;
  }

  #send(what: string): Sent {
    return { what, phase: this.#phase, acknowledged: this.#acknowledged };
  }

  #judge(sent: Sent, { at, rows, foreign }: Answer): void {
    const when = this.#when(sent, at === undefined ? undefined : Number(at));
    this.#tally.statements[when] += 1;
    this.#tally.effective[when] += rows > 0 ? 1 : 0;
    this.#overlapped ||= when === 'overlapping';
    if (foreign > 0) {
      this.#note(`${sent.what} reached ${foreign} foreign rows`);
    }
    if (when === 'after' && rows > 0) {
      this.#note(`${sent.what} reached ${rows} rows after the end`);
    }
  }

  #when({ phase, acknowledged }: Sent, at: number | undefined): When {
    if (acknowledged && at !== undefined && at >= this.#until) {
      this.#phase = 'ended';
      return 'after';
    }
    if (phase === 'ended') {
      return 'after';
    }
    return this.#phase === 'before' || (at !== undefined && at < this.#until && this.#until < Infinity)
      ? 'before'
      : 'overlapping';
  }

  #note(finding: string): void {
    this.#tally.wrong.push(`${this.#party.slug}: ${finding}`);
  }
}

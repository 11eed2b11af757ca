// Load with canaries: many tenants read and write over HTTP, one operation after the other for each of them, and every row
// says whose it is and which operation wrote it.
//
// A write is one operation that adds three memories and changes a fourth, so that a half-written one can be told. What a
// client was answered is kept for the judge (judge.ts), and counted under the fault that was going on at the time.

import { toGlobalId } from '../../../src/api/global-id.ts';
import type { ErrorCode } from '../../../src/errors.ts';
import { dice } from './dice.ts';
import type { Installation } from './installation.ts';
import { type Party, partyOf } from './parties.ts';

export const KIND = 'canary';
export const ROWS_PER_WRITE = 3;

const WRITE = `mutation Write($three: CreateMemoriesInput!, $one: UpdateMemoryInput!) {
  createMemories(input: $three) { __typename ... on CreatedMemories { memories { content } } }
  updateMemory(input: $one) { __typename ... on Memory { content } }
}`;
const READ = 'query Read { memories(first: 20) { edges { node { content } } } }';

/** Kept: the client was told so. Lost: it was told that nothing was kept. Unknown: it was told to look, or nothing at all. */
export type Fate = 'kept' | 'lost' | 'unknown';
/** `READ AGAIN` is UNAVAILABLE with the words that the outcome is open; `GONE` is a client that left before its answer. */
export type Outcome = 'ok' | ErrorCode | 'READ AGAIN' | 'GONE';
export type Write = { readonly op: string; readonly slug: string; readonly ledger: string; fate: Fate };

/** A stretch of time; a new object for each, so that an operation knows whether it has seen another. */
export type Phase = {
  readonly name: string /** The fault that is going on, or was last. */;
  readonly fault: string;
};
export const CALM = 'no fault';

export type Load = {
  readonly writes: Write[];
  /** Name of the phase -> outcome -> operations; `around: …` for those that began in one phase and ended in another. */
  readonly counts: Map<string, Map<Outcome, number>>;
  readonly wrong: string[];
  rowsSeen: number;
  /** What is going on. */
  phase: Phase;
  /** Makes every client that waits for an answer go away. */
  leave(): void;
  /** One operation, by a member who does nothing else. */
  probe(): Promise<Outcome>;
  /** Ends the load when its operations have been answered. */
  end(): Promise<void>;
};

type Member = { readonly party: Party; readonly subject: string; readonly ledger: number };

const MEMBERS = [
  { subject: 'owner', ledger: 1 },
  { subject: 'agent1', ledger: 2 },
  // owns no memories, and must see none, though it administers the tenant
  { subject: 'host', ledger: 0 },
] as const;

/** Starts it; party 0 is left to the probe. */
export function startLoad(on: Installation, parties: number, workers: number): Load {
  let leaving = new AbortController();
  let running = true;
  const state = {
    writes: [],
    counts: new Map(),
    wrong: [],
    rowsSeen: 0,
    phase: { name: CALM, fault: CALM },
  } as Pick<Load, 'writes' | 'counts' | 'wrong' | 'rowsSeen' | 'phase'>;

  /** Sends one operation, and looks at every row of its answer. */
  async function ask({ party, subject }: Member, query: string, variables: object): Promise<Outcome> {
    const { phase } = state;
    const outcome = await post(
      await headersOf(party, subject),
      JSON.stringify({ query, variables }),
      (data) => {
        const contents = [...JSON.stringify(data).matchAll(/"content":"([^"]*)"/g)].map(
          ([, content]) => content,
        );
        state.rowsSeen += contents.length;
        const mine = subject === 'host' ? undefined : `${party.slug} owner `;
        for (const content of contents) {
          if (mine === undefined || content?.startsWith(mine) !== true) {
            state.wrong.push(`${phase.name}: ${party.slug} ${subject} saw a foreign row: ${content}`);
          }
        }
      },
    );
    const during = phase === state.phase ? phase.name : `around: ${state.phase.fault}`;
    const counts = state.counts.get(during) ?? new Map<Outcome, number>();
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    state.counts.set(during, counts);
    return outcome;
  }

  async function headersOf(party: Party, subject: string): Promise<Record<string, string>> {
    return {
      authorization: `Bearer ${await on.token(subject, party.slug)}`,
      'content-type': 'application/json',
      ...(subject === 'agent1' ? { 'delegation-id': party.delegation(1) } : {}),
    };
  }

  async function post(
    headers: Record<string, string>,
    body: string,
    look: (data: unknown) => void,
  ): Promise<Outcome> {
    const { signal } = leaving;
    let text: string;
    try {
      const response = await fetch(on.url, { method: 'POST', headers, body, signal });
      text = await response.text();
    } catch {
      return 'GONE';
    }
    const { data, errors, code } = JSON.parse(text) as {
      data?: object | null;
      errors?: { message: string; extensions: { code: ErrorCode } }[];
      code?: ErrorCode;
    };
    if (data) {
      look(data);
    }
    const [error] = errors ?? [];
    if (error?.message.includes('read again')) {
      return 'READ AGAIN';
    }
    if (error === undefined && /"NotFound"/.test(text)) {
      return 'NOT_FOUND';
    }
    return error?.extensions.code ?? code ?? 'ok';
  }

  async function write(member: Member, op: string): Promise<Outcome> {
    const { party, ledger } = member;
    const mark = `${party.slug} owner`;
    const memories = Array.from({ length: ROWS_PER_WRITE }, (_, k) => ({ content: `${mark} ${op} ${k}` }));
    const id = party.memory(ledger);
    const record: Write = { op, slug: party.slug, ledger: id, fate: 'unknown' };
    state.writes.push(record);
    const outcome = await ask(member, WRITE, {
      three: { memories },
      one: { id: toGlobalId('Memory', id), content: `${mark} ledger ${op}` },
    });
    record.fate =
      outcome === 'ok' ? 'kept' : outcome === 'READ AGAIN' || outcome === 'GONE' ? 'unknown' : 'lost';
    return outcome;
  }

  async function worker(w: number): Promise<void> {
    const mine = Array.from({ length: parties - 1 }, (_, n) => n + 1)
      .filter((n) => n % workers === w)
      .flatMap((n) => MEMBERS.map((member) => ({ party: partyOf(KIND, n), ...member })));
    for (let n = 0; running && state.wrong.length < 20; n += 1) {
      const roll = dice(w * 1_000_003 + n);
      const member = mine[roll(mine.length)];
      if (member === undefined) {
        throw new TypeError('a worker without members');
      }
      const reads = member.ledger === 0 || roll(5) < 2;
      const outcome = await (reads ? ask(member, READ, {}) : write(member, `op-${w}-${n}`));
      if (outcome !== 'ok') {
        // who is refused at once comes back a little later, as clients do
        await new Promise((resolve) => setTimeout(resolve, 10 + roll(30)));
      }
    }
  }

  const working = Array.from({ length: workers }, (_, w) => worker(w));
  let probes = 0;
  return Object.assign(state, {
    leave() {
      leaving.abort();
      leaving = new AbortController();
    },
    async probe() {
      probes += 1;
      const outcome = await write(
        { party: partyOf(KIND, 0), subject: 'owner', ledger: 1 },
        `op-${workers}-${probes}`,
      );
      return outcome;
    },
    async end() {
      running = false;
      await Promise.all(working);
    },
  });
}

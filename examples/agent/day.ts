// A day's work of an agent, against a server that `npm start` has started: node examples/agent/day.ts [http://127.0.0.1:4000]
//
// Scout, an agent of Alice's, exchanges its token for one that is good under Alice's delegation alone, reads what it is to know, asks before
// it acts, is approved by Alice on another connection, uses a credential that it never sees, records what it did, and is stopped in
// the middle of a loop. Ends with 0 when everything went as it must.

import { setTimeout as sleep } from 'node:timers/promises';
import { MemoriesDocument, type MemoriesQuery } from '../../generated/graphql/graphql.ts';
import { Agent, NotAllowed } from './agent.ts';
import { ApiError, type Client, createClient } from './client.ts';
import { stop, watch } from './owner.ts';
import { exchange, identities } from './tokens.ts';

/** What came of the day. */
export type Day = {
  readonly told: readonly string[];
  /** Whether the action that the owner denies was not taken. */
  readonly denied: boolean;
  readonly sent: boolean;
  /** What the service answered; the secret is not in it. */
  readonly answered: string | null | undefined;
  /** Rounds of the loop before the agent was stopped, and milliseconds until it noticed. */
  readonly rounds: number;
  readonly stoppedAfterMs: number;
  /** What the agent got afterwards: the code of the refusal, or how many rows. */
  readonly afterwards: string | number;
};

/** Rounds of the loop after which Alice stops it. */
const ENOUGH = 10;

export async function day(origin: string, print: (line: string) => void = () => undefined): Promise<Day> {
  const told: string[] = [];
  const sayer = (who: string) => (what: string) => {
    told.push(`${who} ${what}`);
    print(`${who.padEnd(5)} ${what}`);
  };
  const url = `${origin}/graphql`;
  const { alice, scout } = await identities(origin);
  const owner = createClient(url, alice.token);
  const delegated = await exchange(origin, {
    subjectToken: alice.token,
    actorToken: scout.token,
    delegationId: scout.delegationId,
  });
  const api = createClient(url, delegated);
  const agent = new Agent(api, sayer('scout'));

  const over = new AbortController();
  const watching = watch(
    owner,
    ({ service }) =>
      service === 'calendar' || service === 'tracker' ? { yes: true, note: 'Go ahead' } : null,
    sayer('alice'),
    over.signal,
  );
  try {
    const { agentId } = await agent.readContext();
    const denied = await agent
      .act('bank', 'accounts.close', { account: 'savings' }, 'It was hardly used', async () => undefined)
      .then(() => false, isRefusal);
    let sent = false;
    await agent.act(
      'calendar',
      'events.create',
      { title: 'Watering', at: '18:00' },
      'The beds are dry',
      async () => {
        // here the agent's own tool would do it
        sent = true;
      },
    );
    const answered = await agent.callService('tracker', 'issues.create', {
      parameters: { bed: 'lower' },
      body: { title: `Beans need support (${new Date().toISOString()})` },
    });
    let stopped = Number.NaN;
    const rounds = await agent.loop((n) => {
      if (n === ENOUGH) {
        sayer('alice')('pulls the plug');
        void stop(owner, agentId).then((ended) => {
          stopped = performance.now();
          sayer('alice')(`has ended ${ended} delegations`);
        });
      }
    });
    const stoppedAfterMs = Math.max(0, Math.round(performance.now() - stopped));
    sayer('scout')(`is stopped after ${rounds} rounds`);
    await sleep(100);
    const afterwards = await read(api);
    sayer('scout')(`gets ${afterwards} from now on`);
    return { told, denied, sent, answered, rounds, stoppedAfterMs, afterwards };
  } finally {
    over.abort();
    await watching.catch(() => undefined);
  }
}

function isRefusal(error: unknown): true {
  if (!(error instanceof NotAllowed)) {
    throw error;
  }
  return true;
}

async function read(api: Client): Promise<string | number> {
  try {
    const { memories }: MemoriesQuery = await api.ask(MemoriesDocument, { first: 5 });
    return memories.edges.length;
  } catch (error) {
    if (error instanceof ApiError) {
      return error.code;
    }
    throw error;
  }
}

if (import.meta.main) {
  const origin = process.argv[2] ?? 'http://127.0.0.1:4000';
  const { denied, sent, answered, rounds, afterwards } = await day(origin, (line) =>
    process.stdout.write(`${line}\n`),
  );
  const went =
    denied &&
    sent &&
    answered !== undefined &&
    rounds >= ENOUGH &&
    ['UNAUTHENTICATED', 0].includes(afterwards);
  process.stdout.write(
    went ? 'A good day: everything went as it must.\n' : 'Something went as it must not.\n',
  );
  process.exitCode = went ? 0 : 1;
}

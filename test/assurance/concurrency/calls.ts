// One race of calls: an agent has its owner's service called through a chain of delegations while somebody else ends the chain, and
// what reaches the service is judged by when the agent asked for it, and by what had been kept when it arrived.
//
// Server and service are real and in this process, so "asked for after the end was acknowledged" is a fact and not a matter of clocks.
// A call that was asked for before may arrive after: it was kept as allowed, and nobody can call it back. Those are counted.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Dice } from './dice.ts';
import type { Office } from './office.ts';
import type { Party } from './parties.ts';
import type { When } from './race.ts';

/** What a number of races came to. */
export type CallTally = {
  races: number;
  /** Races in which the first call was answered by the service, and the last did not reach it. */
  turned: number;
  /** Races in which a call was under way when the end was. */
  overlapped: number;
  /** By when they were asked for. */
  readonly calls: Record<When, number>;
  /** Those of them that reached the service. */
  readonly reached: Record<When, number>;
  /** Calls that had been asked for before the end was acknowledged, and reached the service afterwards. */
  late: number;
  /** Uses that are kept. */
  kept: number;
  readonly wrong: string[];
};

export function newCallTally(): CallTally {
  const none = () => ({ before: 0, overlapping: 0, after: 0 });
  return { races: 0, turned: 0, overlapped: 0, calls: none(), reached: none(), late: 0, kept: 0, wrong: [] };
}

/** What can be told apart in the entry of a use is the name of the call, so each use has one of its own. */
const MOST = 50;
const nameOf = (use: number): string => `use.${use}`;
const KEPT = {
  name: 'calls_kept',
  text: `select detail->>'call' as call from audit_entries where tenant_id = $1 and event = 'service.called'`,
};

type Phase = 'before' | 'under way' | 'ended';
type Use = { readonly phase: Phase; reached: boolean };

/** Who calls through how many hops, and how the chain ends: resolves when that is committed. */
export type CallEnding = { readonly depth: number; readonly end: () => Promise<unknown> };

export class CallRace {
  readonly #tally: CallTally;
  readonly #party: Party;
  readonly #ending: CallEnding;
  readonly #administrator: Pick<Client, 'query'>;
  readonly #uses: Use[] = [];
  #phase: Phase = 'before';
  #overlapped = false;
  /** The chain was seen to work, so that its end can begin. */
  readonly #seen = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<void>();

  constructor(
    tally: CallTally,
    party: Party,
    ending: CallEnding,
    /** Sees what is committed, whoever's it is. */
    administrator: Pick<Client, 'query'>,
  ) {
    this.#tally = tally;
    this.#party = party;
    this.#ending = ending;
    this.#administrator = administrator;
  }

  async run(office: Office, roll: Dice): Promise<void> {
    const { slug } = this.#party;
    const calls = Array.from({ length: MOST }, (_, n) => ({
      ...{ name: nameOf(n), method: 'GET', path: `/${slug}/${n}` },
    }));
    const id = await office.keep(this.#party, calls);
    const forget = office.onArrival(slug, (use) => this.#arrived(use));
    try {
      const [pause, lines] = [roll(4), 1 + roll(3)];
      const used = Promise.all(Array.from({ length: lines }, () => this.#line(office, id, pause)));
      // whoever fails must not keep the end waiting, nor the other way round
      const over = used.finally(() => this.#seen.resolve());
      await Promise.all([over, this.#seen.promise.then(() => this.#finish())]);
    } finally {
      forget();
    }
    await this.#compare();
    this.#tally.races += 1;
    this.#tally.turned += this.#uses.at(0)?.reached && this.#uses.at(-1)?.reached === false ? 1 : 0;
    this.#tally.overlapped += this.#overlapped ? 1 : 0;
  }

  async #finish(): Promise<void> {
    this.#phase = 'under way';
    try {
      await this.#ending.end();
      this.#phase = 'ended';
    } finally {
      this.#ended.resolve();
    }
  }

  /** One call after the other, until one was asked for after the end. */
  async #line(office: Office, id: string, pause: number): Promise<void> {
    for (let uses = 0, late = false; !late; uses += 1) {
      if (uses === 1) {
        this.#seen.resolve();
        if (pause > 1) {
          await sleep(pause - 1);
        }
      }
      // some are left for after the end
      if (this.#uses.length > MOST - 10) {
        await this.#ended.promise;
      }
      late = this.#phase === 'ended';
      await this.#call(office, id);
    }
  }

  async #call(office: Office, id: string): Promise<void> {
    const use: Use = { phase: this.#phase, reached: false };
    const n = this.#uses.push(use) - 1;
    const outcome = await office.call(this.#party, this.#ending.depth, id, nameOf(n));
    const when = use.phase === 'ended' ? 'after' : this.#phase === 'before' ? 'before' : 'overlapping';
    this.#tally.calls[when] += 1;
    this.#tally.reached[when] += use.reached ? 1 : 0;
    this.#overlapped ||= when === 'overlapping';
    // an answer is what reached the service, and nothing else
    if ((outcome === 'ServiceAnswer') !== use.reached || (when === 'before' && !use.reached)) {
      this.#note(`${nameOf(n)}, ${when} the end, ${use.reached ? 'reached' : 'not'}: ${outcome}`);
    }
  }

  /** A call has reached the service, which has not answered yet. */
  async #arrived(n: number): Promise<void> {
    const use = this.#uses[n];
    if (use === undefined || use.reached) {
      this.#note(`${nameOf(n)} left ${use === undefined ? 'and nobody had asked for it' : 'twice'}`);
      return;
    }
    use.reached = true;
    this.#tally.late += use.phase !== 'ended' && this.#phase === 'ended' ? 1 : 0;
    if (use.phase === 'ended') {
      this.#note(`${nameOf(n)} left after the end`);
    }
    if (!(await this.#kept()).includes(nameOf(n))) {
      this.#note(`${nameOf(n)} left before it was kept`);
    }
  }

  /** What was kept is what has left. */
  async #compare(): Promise<void> {
    const left = this.#uses.flatMap(({ reached }, n) => (reached ? [nameOf(n)] : []));
    const kept = await this.#kept();
    if (kept.sort().join() !== left.sort().join()) {
      this.#note(`kept ${kept}, and left ${left}`);
    }
    this.#tally.kept += kept.length;
  }

  /** The uses that are committed, by name. */
  async #kept(): Promise<string[]> {
    const values = [this.#party.tenantId];
    const { rows } = await this.#administrator.query<{ call: string }>({ ...KEPT, values });
    return rows.map(({ call }) => call);
  }

  #note(finding: string): void {
    this.#tally.wrong.push(`${this.#party.slug}: ${finding}`);
  }
}

// Whose turn it is: so many places, and flows that wait for them, each in the order in which it came.
//
// Among flows that wait, the next is the one that has had least: start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996) with
// several places (Jin, Chase and Kaur, SIGMETRICS 2004). What a turn costs is the time for which its place was taken; that is known
// at its end only, so it is charged with what the flow usually takes, and corrected. A flow that comes anew has what the others have had, so nobody
// saves up and nobody starves. Waiting has an end in time and in number: a queue that stands is answered from its head, by how long that
// has waited (CoDel, RFC 8289, in the form that Maurer gives it for servers, "Fail at Scale", ACM Queue 13, 2015), and beyond the number the
// longest queue loses its last (McKenney, INFOCOM 1990). A structure without a clock, a timer or a promise: src/api/admission.ts has those.

export type QueueLimits = {
  /** Places. */
  readonly places: number;
  /** How many of them one flow may take. */
  readonly perFlow: number;
  /** How many may wait, over all flows. */
  readonly waiting: number;
  /** How long one may wait, in milliseconds. */
  readonly patienceMs: number;
  /** How long one may wait whose flow has waited for as long as `patienceMs` without a pause; ten of its turns, where they take longer. */
  readonly standingMs: number;
};

/** One who wants a place. */
export type Place = {
  state: 'waiting' | 'taken' | 'refused' | 'left';
  readonly flow: Flow;
  /** Never refused: what waits here is part of something that has begun. */
  readonly patient: boolean;
  /** When it came; from when on it has its place. Milliseconds. */
  since: number;
  /** What its flow was charged for it at first. */
  charged: number;
  /** For whoever waits: called with no argument when `state` has changed. */
  tell: (() => void) | undefined;
};

type Flow = {
  readonly name: string;
  /** Who waits, the first first. */
  readonly queue: Place[];
  /** Of them, who may be refused. */
  impatient: number;
  taken: number;
  /** How much it has had, in virtual milliseconds. */
  had: number;
  /** What a turn of it takes, in milliseconds. */
  usual: number;
  /** Since when somebody has been waiting. */
  standing: number;
};

const isImpatient = ({ patient }: Place): boolean => !patient;

/** Turns for which one may wait however long they are: a few who ask one thing after another are no overload. */
const TURNS = 10;

/** The weight of the newest turn in what is usual. */
const NEWEST = 1 / 8;

/** Flows remembered before those are thrown away that have nothing to be remembered for. */
const SWEEP_FROM = 64;

export class FairQueue {
  readonly #limits: QueueLimits;
  /** Places that may be taken now, and how many of them by one flow. */
  #places: number;
  #perFlow: number;
  readonly #flows = new Map<string, Flow>();
  /** Flows in which somebody waits. */
  readonly #backlogged = new Set<Flow>();
  #taken = 0;
  #impatient = 0;
  /** How much whoever had the last turn had before it. */
  #now = 0;
  #usual = 1;
  #sweepAt = SWEEP_FROM;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
    this.#places = limits.places;
    this.#perFlow = limits.perFlow;
  }

  get places(): number {
    return this.#places;
  }

  /** Takes places out of use or puts them back, from one up to all there are; who has one keeps it. */
  set places(count: number) {
    const { places, perFlow } = this.#limits;
    this.#places = Math.min(places, Math.max(1, count));
    this.#perFlow = Math.min(perFlow, Math.max(1, Math.ceil((this.#places * perFlow) / places)));
  }

  /** Places that are taken, and who waits. */
  get size(): { readonly taken: number; readonly waiting: number } {
    const waiting = [...this.#backlogged].reduce((sum, { queue }) => sum + queue.length, 0);
    return { taken: this.#taken, waiting };
  }

  /** Flows about which something is remembered. */
  get remembered(): number {
    return this.#flows.size;
  }

  /**
   * Somebody comes.
   *
   * @param now Milliseconds, never less than before.
   * @returns its place, whose state says whether it begins, waits or is refused, and who is refused instead of it.
   */
  join(name: string, now: number, patient = false): { readonly place: Place; readonly instead?: Place } {
    const flow = this.#flowOf(name);
    const place: Place = { state: 'waiting', flow, patient, since: now, charged: 0, tell: undefined };
    if (flow.queue.length === 0 && this.#mayTake(flow)) {
      flow.had = Math.max(flow.had, this.#now);
      this.#take(place, now);
      return { place };
    }
    const loser = patient || this.#impatient < this.#limits.waiting ? undefined : this.#loserTo(flow);
    if (loser === flow) {
      place.state = 'refused';
      return { place };
    }
    const instead = loser === undefined ? undefined : this.#lastOf(loser);
    if (flow.queue.length === 0) {
      flow.had = Math.max(flow.had, this.#now);
      flow.standing = now;
      this.#backlogged.add(flow);
    }
    flow.queue.push(place);
    if (!patient) {
      flow.impatient += 1;
      this.#impatient += 1;
    }
    return instead === undefined ? { place } : { place, instead };
  }

  /**
   * Somebody gives a place back; a second time counts for nothing.
   *
   * @returns who begins now.
   */
  leave(place: Place, now: number): Place[] {
    if (place.state !== 'taken') {
      return [];
    }
    place.state = 'left';
    const { flow } = place;
    const cost = Math.max(0, now - place.since);
    flow.taken -= 1;
    this.#taken -= 1;
    flow.had += cost - place.charged;
    flow.usual += (cost - flow.usual) * NEWEST;
    this.#usual += (cost - this.#usual) * NEWEST;
    if (this.#taken === 0 && this.#backlogged.size === 0) {
      // nobody is owed anything by nobody
      this.#flows.clear();
      this.#now = 0;
      return [];
    }
    return this.#begin(now);
  }

  /** Refuses who has waited for too long, and says when to look again, if there is anything to look for. */
  expire(now: number): { readonly refused: Place[]; readonly next: number | undefined } {
    const refused: Place[] = [];
    let next: number | undefined;
    for (const flow of this.#backlogged) {
      let due = this.#dueOf(flow);
      for (; due !== undefined && due <= now; due = this.#dueOf(flow)) {
        refused.push(this.#remove(flow, flow.queue.findIndex(isImpatient)));
      }
      next = due === undefined ? next : Math.min(next ?? due, due);
    }
    return { refused, next };
  }

  /** When the first of a flow has waited too long. */
  #dueOf(flow: Flow): number | undefined {
    const { patienceMs, standingMs } = this.#limits;
    const first = flow.impatient === 0 ? undefined : flow.queue.find(isImpatient);
    if (first === undefined) {
      return undefined;
    }
    const short = Math.max(standingMs, TURNS * flow.usual);
    return Math.min(first.since + patienceMs, Math.max(flow.standing + patienceMs, first.since + short));
  }

  #flowOf(name: string): Flow {
    const known = this.#flows.get(name);
    if (known !== undefined) {
      return known;
    }
    this.#sweep();
    const usual = this.#usual;
    const flow = { name, queue: [], impatient: 0, taken: 0, had: this.#now, usual, standing: 0 };
    this.#flows.set(name, flow);
    return flow;
  }

  /** Forgets flows that are as if they came anew. */
  #sweep(): void {
    if (this.#flows.size < this.#sweepAt) {
      return;
    }
    for (const flow of this.#flows.values()) {
      if (flow.taken === 0 && flow.queue.length === 0 && flow.had <= this.#now) {
        this.#flows.delete(flow.name);
      }
    }
    this.#sweepAt = Math.max(SWEEP_FROM, this.#flows.size * 2);
  }

  /**
   * Whether who comes may begin. Where all places that are in use are taken, one more is for a flow that has nothing and is ahead of nobody: it
   * would be the next one anyway, and is only spared the rest of somebody else's turn.
   */
  #mayTake(flow: Flow): boolean {
    if (this.#taken < this.#places) {
      return flow.taken < this.#perFlow;
    }
    const spare = this.#taken === this.#places && this.#places < this.#limits.places;
    return spare && flow.taken === 0 && flow.had <= this.#now;
  }

  #take(place: Place, now: number): void {
    const { flow } = place;
    this.#now = flow.had;
    place.state = 'taken';
    place.since = now;
    place.charged = flow.usual;
    flow.had += flow.usual;
    flow.taken += 1;
    this.#taken += 1;
  }

  #begin(now: number): Place[] {
    const begun: Place[] = [];
    while (this.#taken < this.#places) {
      let next: Flow | undefined;
      for (const flow of this.#backlogged) {
        if (flow.taken < this.#perFlow && (next === undefined || flow.had < next.had)) {
          next = flow;
        }
      }
      if (next === undefined) {
        break;
      }
      const place = this.#remove(next, 0, 'taken');
      this.#take(place, now);
      begun.push(place);
    }
    return begun;
  }

  /** Which flow loses one when another one comes to this flow: the longest, and this one where it is as long. */
  #loserTo(coming: Flow): Flow {
    let longest = coming;
    for (const flow of this.#backlogged) {
      if (flow.impatient > longest.impatient + (longest === coming ? 1 : 0)) {
        longest = flow;
      }
    }
    return longest;
  }

  #lastOf(flow: Flow): Place {
    return this.#remove(flow, flow.queue.findLastIndex(isImpatient));
  }

  #remove(flow: Flow, index: number, state: 'refused' | 'taken' = 'refused'): Place {
    const [place] = index === 0 ? [flow.queue.shift()] : flow.queue.splice(index, 1);
    if (place === undefined) {
      throw new TypeError('nobody waits there');
    }
    place.state = state;
    if (!place.patient) {
      flow.impatient -= 1;
      this.#impatient -= 1;
    }
    if (flow.queue.length === 0) {
      this.#backlogged.delete(flow);
    }
    return place;
  }
}

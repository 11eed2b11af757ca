// Lets everybody ask for everything in a world, through the server, and compares each answer with the model.
//
// Nobody is who comes without a credential, with one that has ended, or under a delegation that is not theirs: the model has
// no authority for them, and the server must not tell them apart.

import { everybody } from '../../../../src/assurance/askers.ts';
import type { Asker, World } from '../../../../src/assurance/world.ts';
import { type Authority, authorityOf } from '../rules.ts';
import { attemptsOf, documentOf, operationsOf, outcomeOf } from './attempts.ts';
import { isIssued } from './own.ts';
import { labelOf, questionOf, readingOf } from './reading.ts';
import { type Attempt, sceneOf } from './scene.ts';
import { expectedReading } from './seeing.ts';
import { withheld } from './sight.ts';
import type { Answer, Stage } from './stage.ts';

export type Difference = {
  readonly asker: Asker | undefined;
  /** Of the schema, or 'read': by what a difference is looked for again in smaller worlds. */
  readonly field: string;
  readonly name: string;
  readonly model: string;
  readonly api: string;
};

export type Played = {
  readonly differences: readonly Difference[];
  readonly operations: number;
  /** Rows that SQL would have shown and the second layer left out. */
  readonly withheld: number;
  /** Answers compared, by field of the schema. */
  readonly compared: ReadonlyMap<string, number>;
};

/** Which of an asker's attempts are made. */
export type Choice = (asker: Asker, attempt: Attempt) => boolean;

/** Nothing stays of what anybody does, so several can ask at once. */
const AT_ONCE = 3;
const UNAUTHENTICATED = 'error UNAUTHENTICATED';
const NOBODY: Asker = {
  tenant: 0,
  actor: 'u0',
  delegation: null,
  onBehalfOf: null,
  token: { scopes: [], expired: true },
};

/**
 * With a token of the issuer that the server knows, with a key, or with a token of our own; but not for somebody else without a
 * delegation, because of those two a token says both or neither.
 */
const comesThroughApi = (asker: Asker) =>
  asker.by === undefined ||
  'key' in asker.by ||
  (isIssued(asker) && (asker.onBehalfOf === null || asker.delegation !== null));
const hasExpired = (asker: Asker) => (asker.by === undefined || isIssued(asker)) && asker.token.expired;

export async function play(stage: Stage, world: World, choice: Choice): Promise<Played> {
  await stage.load(world);
  const notes = notebook();
  const waiting = [undefined, ...everybody(world).filter(comesThroughApi)].entries();
  const plays = Array.from({ length: AT_ONCE }, async () => {
    for (const [turn, asker] of waiting) {
      await playOne(stage, world, asker, turn, choice, notes);
    }
  });
  await Promise.all(plays);
  return notes.played;
}

type Notebook = ReturnType<typeof notebook>;

function notebook() {
  const differences: Difference[] = [];
  const compared = new Map<string, number>();
  const played = { differences, operations: 0, withheld: 0, compared };
  return {
    played,
    compare(one: Difference) {
      compared.set(one.field, (compared.get(one.field) ?? 0) + 1);
      if (one.model !== one.api) {
        differences.push(one);
      }
    },
  };
}

async function playOne(
  stage: Stage,
  world: World,
  asker: Asker | undefined,
  turn: number,
  choice: Choice,
  { played, compare }: Notebook,
): Promise<void> {
  const headers = await stage.credentials(asker);
  const ask: Ask = ({ query, variables }) => {
    played.operations += 1;
    return stage.ask(headers, query, variables);
  };
  const known = asker === undefined || hasExpired(asker) ? undefined : authorityOf(world, asker);
  const scene = sceneOf(world, asker ?? NOBODY, known ?? pretended(world, asker ?? NOBODY));
  const attempts = attemptsOf(scene).filter((attempt) => choice(scene.asker, attempt));
  const question = questionOf(world, turn);
  const read = await ask(question);
  if (known === undefined) {
    compare({ asker, field: 'read', name: 'everything', model: UNAUTHENTICATED, api: whole(read) });
    const [operation] = operationsOf(attempts);
    const [first] = operation ?? [];
    if (operation !== undefined && first !== undefined) {
      const api = whole(await ask(documentOf(operation)));
      compare({ asker, field: first.field, name: first.name, model: UNAUTHENTICATED, api });
    }
    return;
  }
  played.withheld += withheld(known, scene.rows);
  if (read.data === null) {
    compare({ asker, field: 'read', name: 'everything', model: 'an answer', api: whole(read) });
  } else {
    const model = expectedReading(scene, question);
    const api = readingOf(read.data, question);
    for (const key of new Set([...model.keys(), ...api.keys()])) {
      const [one, other] = [model, api].map((reading) => reading.get(key) ?? 'not answered');
      compare({ asker, field: 'read', name: nameOfReading(key), model: one ?? '', api: other ?? '' });
    }
  }
  for (const operation of operationsOf(attempts)) {
    for (const { attempt, api } of await tryTogether(ask, operation)) {
      const { field, name } = attempt;
      compare({ asker, field, name, model: told(attempt.outcome, attempt.changes), api });
    }
  }
}

/** What whoever has no authority tries: what it would try with some. */
function pretended(world: World, { tenant: at, actor, token }: Asker): Authority {
  const tenant = world.tenants[at];
  if (tenant === undefined) {
    throw new TypeError(`no tenant ${at}`);
  }
  return { at, tenant, actor, owner: actor, chain: [], limits: new Set(), token };
}

const CONNECTION = /^[a-zA-Z]+( [a-z]\d+\.[a-z]+)?$/;

/** A connection by its name, a row by its id. */
function nameOfReading(key: string): string {
  const { type, name } = labelOf(key);
  return CONNECTION.test(key) && name === key ? key : `${type} ${name} by id`;
}

function whole({ data, errors }: Answer): string {
  const codes = [...new Set(errors.map(({ extensions }) => extensions.code))];
  return errors.length > 0 && data === null ? `error ${codes.join(' ')}` : `data ${JSON.stringify(data)}`;
}

const told = (outcome: string, changes: readonly string[]) =>
  [outcome, ...(changes.length === 0 ? [] : [`changing ${[...changes].sort().join(', ')}`])].join(', ');

type Ask = (operation: { readonly query: string; readonly variables: object }) => Promise<Answer>;

/** Tries attempts in one operation; where what came of it is not what the model says, each by itself. */
async function tryTogether(
  ask: Ask,
  attempts: readonly Attempt[],
): Promise<{ attempt: Attempt; api: string }[]> {
  const answer = await ask(documentOf(attempts));
  const [first] = attempts;
  if (first !== undefined && attempts.length === 1) {
    return [{ attempt: first, api: told(outcomeOf(answer, 0), answer.changes) }];
  }
  const asExpected = attempts.every(({ outcome }, n) => outcome === outcomeOf(answer, n));
  if (asExpected && sum(attempts.flatMap(({ changes }) => changes)) === sum(answer.changes)) {
    return attempts.map((attempt) => ({ attempt, api: told(attempt.outcome, attempt.changes) }));
  }
  const single: { attempt: Attempt; api: string }[] = [];
  for (const attempt of attempts) {
    single.push(...(await tryTogether(ask, [attempt])));
  }
  return single;
}

/** Rows made are counted, rows changed twice are one. */
function sum(changes: readonly string[]): string {
  const made = changes.filter((change) => change.startsWith('+'));
  const others = changes.filter((change) => !change.startsWith('+'));
  return [...made, ...new Set(others)].sort().join(', ');
}

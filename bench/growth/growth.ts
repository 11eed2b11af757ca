// Growth: what a page costs who has few of something, and who has very many. All sizes are there at once: in one database where they can lie
// in one, and for tenants in three, each with a server of its own.
//
// One request at a time, to each size in turn, so that p50 is the time of an operation and not of waiting for others, and whatever else the
// machine does meets all sizes alike. Only how many connections there are is asked otherwise: at a steady rate far below what the server can
// do, over all of them in turns.

import type { Measured, Request, Target } from '../comparison/measured.ts';
import { inTurns } from '../comparison/measured.ts';
import { makeStage, type Stage } from '../comparison/stage.ts';
import { fillGrowth, fillTenants } from './filling.ts';
import {
  type Asked,
  type Comparison,
  comparisons,
  ofClients,
  ofTenants,
  type Question,
} from './operations.ts';
import { allSizes, type Growing } from './sizes.ts';

export type GrowthSettings = Readonly<Record<Growing, number>> & {
  readonly only: string;
  readonly rounds: number;
  readonly seconds: number;
  /** Requests in a second over all connections; left out, half of what one connection comes to by itself. */
  readonly rate?: number | undefined;
};

export type Grown = {
  readonly dimension: string;
  readonly operation: string;
  readonly sizes: readonly { readonly size: number; readonly measured: Measured }[];
};

/** The most by which the largest may be slower than the smallest, and the smallest slower than the largest. */
export const GOAL = 1.25;

/** p50 of the largest to that of the smallest. */
export function ratioOf({ sizes }: Grown): number {
  return (sizes.at(-1)?.measured.p50 ?? Number.NaN) / (sizes[0]?.measured.p50 ?? Number.NaN);
}

/** Where the few are the slower ones, something is gone through that is not theirs. */
export const isFlat = (ratio: number) => ratio <= GOAL && ratio >= 1 / GOAL;

/** Seconds of each size that are not counted. */
const WARM = 1;

/** @param note Told each result as it is there. */
export async function measureGrowth(
  settings: GrowthSettings,
  { say, note }: { say(line: string): void; note(grown: Grown): void },
): Promise<void> {
  const sizes = allSizes(settings);
  const chosen = (all: readonly Comparison[]) =>
    all.filter(({ dimension, operation }) => `${dimension}: ${operation}`.includes(settings.only));
  const inOne = chosen(comparisons(sizes));
  if (inOne.length > 0) {
    const stage = await filled(say, 'the first database', (client, told) => fillGrowth(client, sizes, told));
    try {
      for (const comparison of inOne) {
        note(await compare(comparison, settings, () => stage));
      }
    } finally {
      await stage.end();
    }
  }
  const tenants = chosen(ofTenants(sizes.tenants));
  const clients = chosen([ofClients(sizes)]);
  const [fewest = 0, ...more] = sizes.tenants;
  const stages = new Map<number, Stage>();
  try {
    for (const size of tenants.length > 0 ? [fewest, ...more] : clients.length > 0 ? [fewest] : []) {
      const stage = await filled(say, `${size} tenants`, (client, told) => fillTenants(client, size, told));
      stages.set(size, stage);
    }
    for (const comparison of tenants) {
      note(await compare(comparison, settings, (size) => stages.get(size) as Stage));
    }
    for (const comparison of clients) {
      note(await compareConnections(comparison, settings, stages.get(fewest) as Stage));
    }
  } finally {
    for (const stage of stages.values()) {
      await stage.end();
    }
  }
}

type Fill = Parameters<typeof makeStage>[0];

async function filled(
  say: (line: string) => void,
  what: string,
  fill: (client: Parameters<Fill>[0], told: (line: string) => void) => Promise<void>,
): Promise<Stage> {
  const began = performance.now();
  const stage = await makeStage((client) =>
    fill(client, (line) => process.stderr.write(`${what}: ${line}\n`)),
  );
  say(`filled: ${what}, in ${Math.round((performance.now() - began) / 1000)} s`);
  return stage;
}

/** One request to each size, and then again. */
async function compare(
  { dimension, operation, questions }: Comparison,
  { rounds, seconds }: GrowthSettings,
  stageOf: (size: number) => Stage,
): Promise<Grown> {
  const targets = await Promise.all(
    questions.map(async (question) => {
      const stage = stageOf(question.size);
      return { url: stage.url, requests: await requestsOf(stage, question) };
    }),
  );
  const each = questions.length;
  const measured = await stageOf(questions[0]?.size ?? 0).generateInTurns({
    targets,
    seconds: rounds * seconds * each,
    warm: WARM * each,
  });
  return {
    dimension,
    operation,
    sizes: questions.map(({ size }, n) => ({ size, measured: measured[n] as Measured })),
  };
}

/** Connections cannot be few and many at once, so here one number of them is open at a time. */
async function compareConnections(
  { dimension, operation, questions }: Comparison,
  { rate, ...often }: GrowthSettings,
  stage: Stage,
): Promise<Grown> {
  const [question] = questions;
  const requests = question === undefined ? [] : await requestsOf(stage, question);
  const alone = { url: stage.url, requests, connections: 1 };
  await stage.generate('load', { ...alone, seconds: WARM });
  const { throughput } = await stage.generate('load', { ...alone, seconds: often.seconds });
  const steady = rate ?? throughput / 2;
  const targets: Record<string, Target> = {};
  for (const { size } of questions) {
    const task = { url: stage.url, requests, rate: steady, connections: size };
    // named so that they keep their order: keys that are numbers would not
    targets[`${size} connections`] = (seconds) => stage.generate('load', { ...task, seconds });
  }
  const measured = await inTurns(targets, often);
  return {
    dimension,
    operation: `${operation}, ${steady.toFixed(0)} a second`,
    sizes: questions.map(({ size }) => ({ size, measured: measured[`${size} connections`] as Measured })),
  };
}

async function requestsOf(stage: Stage, { callers, asked, place }: Question): Promise<Request[]> {
  const tokens = await Promise.all(callers.map((caller) => stage.token(caller)));
  const after = place === undefined ? undefined : await cursorAt(stage, tokens[0] ?? '', place);
  const body = JSON.stringify({ ...asked, variables: { ...asked.variables, after } });
  return tokens.map((token) => ({ token, body }));
}

async function cursorAt(stage: Stage, token: string, place: Asked): Promise<string> {
  const response = await fetch(stage.url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(place),
  });
  const answer = (await response.json()) as { data?: { memories: { edges: { cursor: string }[] } } };
  const cursor = answer.data?.memories.edges[0]?.cursor;
  if (cursor === undefined) {
    throw new Error(`no row in the middle: ${JSON.stringify(answer).slice(0, 500)}`);
  }
  return cursor;
}

// Memory: what the server's process holds while it rests, under load, and after very many operations: single rows, pages of an owner and of an
// agent, inserts and changes, with new tokens from time to time. Resident memory as the operating system counts it, so on Linux alone.

import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fill } from '../comparison/filling.ts';
import { operations } from '../comparison/operations.ts';
import { makeStage, type Stage } from '../comparison/stage.ts';
import { median } from '../encryption/figures.ts';

export type MemorySettings = {
  readonly operations: number;
  readonly connections: number;
  /** Fewer operations are enough when so many minutes are over. */
  readonly minutes: number;
};

export type Sample = {
  /** How many there have been. */
  readonly operations: number;
  /** MiB, the middle of what was seen each second while they ran. */
  readonly loaded: number;
  /** MiB, a moment after. */
  readonly resting: number;
};

export type Memory = {
  /** MiB before the first operation. */
  readonly idle: number;
  /** MiB, the most that was ever seen. */
  readonly peak: number;
  /** One each so many operations. */
  readonly samples: readonly Sample[];
  /** Operations in a second. */
  readonly throughput: number;
  readonly errors: number;
  readonly error?: string | undefined;
};

/** The most by which it may have grown since the first of them. */
export const GOAL = 1.1;
/** After how many operations that is. */
export const FIRST = 100_000;
/** Operations between two samples. */
const STEP = 10_000;
const ROWS = 20_000;
const DISTINCT = 250;
const REST = 2000;

/** MiB that a process holds. */
export async function residentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
  return Number(kibibytes) / 1024;
}

/** The sample after the first operations; none where there were fewer. */
export const firstOf = ({ samples }: Memory): Sample | undefined =>
  samples.find(({ operations }) => operations >= FIRST);

/** Memory at the end to memory after the first operations, both under load; NaN where there were no more than these. */
export function growthOf(memory: Memory): number {
  const [first, last] = [firstOf(memory), memory.samples.at(-1)];
  return first === last ? Number.NaN : (last?.loaded ?? Number.NaN) / (first?.loaded ?? Number.NaN);
}

export async function measureMemory(
  settings: MemorySettings,
  told: (sample: Sample) => void,
): Promise<Memory> {
  const stage = await makeStage((client) => fill(client, ROWS, () => undefined));
  try {
    await sleep(REST);
    const idle = await residentOf(stage.pid);
    const samples: Sample[] = [];
    const seen: number[] = [];
    let done = 0;
    let errors = 0;
    let error: string | undefined;
    let spent = 0;
    const until = performance.now() + settings.minutes * 60_000;
    while (done < settings.operations && performance.now() < until) {
      const step = Math.min(STEP, settings.operations - done);
      const requests = await mixed(stage);
      const began = performance.now();
      const { loaded, measured } = await watching(stage.pid, () =>
        stage.generate('load', {
          url: stage.url,
          requests,
          connections: settings.connections,
          operations: step,
        }),
      );
      spent += (performance.now() - began) / 1000;
      done += measured.operations;
      errors += measured.errors;
      error ??= measured.error;
      seen.push(...loaded);
      await sleep(REST);
      const sample = { operations: done, loaded: median(loaded), resting: await residentOf(stage.pid) };
      samples.push(sample);
      told(sample);
    }
    return { idle, peak: Math.max(...seen), samples, throughput: done / spent, errors, error };
  } finally {
    await stage.end();
  }
}

/** Does something, and looks each second at what a process holds meanwhile. */
async function watching<T>(
  pid: number,
  work: () => Promise<T>,
): Promise<{ readonly loaded: readonly number[]; readonly measured: T }> {
  const loaded = [await residentOf(pid)];
  let over = false;
  const looking = (async () => {
    while (!over) {
      loaded.push(await residentOf(pid));
      await sleep(1000);
    }
  })();
  try {
    return { measured: await work(), loaded };
  } finally {
    over = true;
    await looking;
  }
}

/** One request after the other of every light sort, with tokens that nobody has shown before. */
async function mixed(stage: Stage) {
  const light = operations(ROWS).filter(({ name }) =>
    /^(single|page|insert one|update|delegated)/.test(name),
  );
  const tokens = await Promise.all(light.map(({ caller }) => stage.token(caller)));
  return Array.from({ length: DISTINCT * light.length }, (_, n) => ({
    token: tokens[n % light.length] ?? '',
    body: JSON.stringify(light[n % light.length]?.ours(n)),
  }));
}

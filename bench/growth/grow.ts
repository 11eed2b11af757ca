// The suites growth, memory and start of `npm run bench`: runs those that are asked for, prints what they come to, and keeps it where that is
// wanted.

import { machine, today } from '../comparison/report.ts';
import { type Grown, type GrowthSettings, measureGrowth } from './growth.ts';
import { type MemorySettings, measureMemory } from './memory.ts';
import { growthTable, keep, memoryTable, type Results, startTable } from './report.ts';
import { measureStart, type Starts } from './start.ts';

const SUITES = ['growth', 'memory', 'start'] as const;
export type GrowthSuite = (typeof SUITES)[number];
export const isGrowthSuite = (name: string): name is GrowthSuite =>
  (SUITES as readonly string[]).includes(name);

/** Connections under which memory is measured. */
const CONNECTIONS = 16;

export type GrowSettings = GrowthSettings &
  Omit<MemorySettings, 'connections'> & { readonly starts: number; readonly save: boolean };

const say = (line: string) => void process.stdout.write(`${line}\n`);
/** A table without its head. */
const rowsOf = (table: string) => table.split('\n').slice(2).join('\n');

/** @returns what was answered with errors. */
export async function grow(suites: readonly GrowthSuite[], settings: GrowSettings): Promise<string[]> {
  const wrong: string[] = [];
  for (const suite of suites) {
    const results = await SUITE[suite](settings);
    const measured = { at: today(), machine: machine(), ...results };
    if (settings.save) {
      await keep(suite, measured);
    }
    wrong.push(...wrongIn(measured));
  }
  return wrong;
}

const SUITE = {
  async growth(settings: GrowSettings) {
    const lines: Grown[] = [];
    await measureGrowth(settings, {
      say,
      note(grown) {
        lines.push(grown);
        say(rowsOf(growthTable([grown])));
      },
    });
    say(`\n${growthTable(lines)}`);
    const { rounds, seconds } = settings;
    return { settings: { rounds, seconds }, growth: lines };
  },
  async memory({ operations, minutes }: GrowSettings) {
    const settings = { operations, minutes, connections: CONNECTIONS };
    const memory = await measureMemory(settings, (sample) =>
      process.stderr.write(
        `${sample.operations} operations: ${sample.loaded.toFixed(0)} MiB under load, ${sample.resting.toFixed(0)} MiB after\n`,
      ),
    );
    say(`\n${memoryTable(memory)}`);
    return { settings, memory };
  },
  async start({ starts }: GrowSettings) {
    const lines: Starts[] = [];
    await measureStart(starts, (one) => {
      lines.push(one);
      say(rowsOf(startTable([one])));
    });
    say(`\n${startTable(lines)}`);
    return { settings: { starts }, start: lines };
  },
} satisfies Record<GrowthSuite, (settings: GrowSettings) => Promise<Omit<Results, 'at' | 'machine'>>>;

function wrongIn({ growth = [], memory }: Results): string[] {
  const asked = [
    ...growth.flatMap(({ dimension, operation, sizes }) =>
      sizes.map(({ size, measured }) => ({ name: `${dimension}, ${operation}, ${size}`, ...measured })),
    ),
    ...(memory === undefined ? [] : [{ name: 'memory', ...memory }]),
  ];
  return asked.flatMap(({ name, errors, error }) =>
    errors === 0 ? [] : [`${name}: ${errors} answers were errors, such as ${error}`],
  );
}

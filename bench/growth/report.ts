// What growth, memory and start came to: tables for people, JSON for machines, and a chart of all three. Each suite keeps its own part, so that
// the one that takes an hour need not be run again with the others.

import { readFile, writeFile } from 'node:fs/promises';
import { FOLDER, plain, round } from '../comparison/report.ts';
import { median } from '../encryption/figures.ts';
import { GOAL as GROWTH, type Grown, isFlat, ratioOf } from './growth.ts';
import { FIRST, firstOf, growthOf, GOAL as MEMORY, type Memory, type Sample } from './memory.ts';
import { answeredOf, GOAL as START, type Start, type Starts } from './start.ts';

/** Of one suite; just the one part is there. */
export type Results = {
  readonly at: string;
  readonly machine: string;
  readonly settings: Readonly<Record<string, number>>;
  readonly growth?: readonly Grown[];
  readonly memory?: Memory;
  readonly start?: readonly Starts[];
};

/** All that is kept, by suite. */
export type Kept = { readonly growth?: Results; readonly memory?: Results; readonly start?: Results };

const FILE = `${FOLDER}growth`;
/** With spaces between thousands. */
const count = (value: number) => String(value).replace(/\B(?=(\d{3})+$)/g, ' ');
const met = (yes: boolean) => (yes ? 'yes' : 'no');

export function growthTable(lines: readonly Grown[]): string {
  return [
    `| What grows | Asked | Sizes | p50 in ms | Largest to smallest | Within ${GROWTH} |`,
    '| --- | --- | --- | --- | ---: | --- |',
    ...lines.map((line) => {
      const sizes = line.sizes.map(({ size }) => count(size)).join(', ');
      const times = line.sizes.map(({ measured }) => measured.p50.toFixed(2)).join(', ');
      const ratio = ratioOf(line);
      return `| ${line.dimension} | ${line.operation} | ${sizes} | ${times} | ${ratio.toFixed(2)} | ${met(isFlat(ratio))} |`;
    }),
  ].join('\n');
}

export function memoryTable(memory: Memory): string {
  const [first, last] = [firstOf(memory), memory.samples.at(-1)];
  const row = (name: string, loaded: number | undefined, resting: number | undefined) =>
    `| ${name} | ${loaded?.toFixed(0) ?? ''} | ${resting?.toFixed(0) ?? ''} |`;
  const after = (one: Sample | undefined) =>
    one === undefined ? [] : [row(`after ${count(one.operations)} operations`, one.loaded, one.resting)];
  const ratio = growthOf(memory);
  const goal = `the last to that after ${count(FIRST)}, within ${MEMORY}`;
  return [
    '| MiB resident | under load | a moment later |',
    '| --- | ---: | ---: |',
    row('before the first operation', undefined, memory.idle),
    ...after(memory.samples[0]),
    ...(first === memory.samples[0] ? [] : after(first)),
    ...(last === memory.samples[0] || last === first ? [] : after(last)),
    row('the most that was seen', memory.peak, undefined),
    Number.isNaN(ratio)
      ? `| ${goal}: not so many operations | | |`
      : `| ${goal}: ${met(ratio <= MEMORY)} | ${ratio.toFixed(2)} | |`,
  ].join('\n');
}

export function startTable(lines: readonly Starts[]): string {
  const middle = (starts: readonly Start[], what: keyof Start) => median(starts.map((one) => one[what]));
  return [
    '| Milliseconds from the start of the process | loaded | database up | listening | first answer | the worst | processor time | MiB then |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...lines.map((line) => {
      const { name, starts } = line;
      const [loaded, database, listening] = (['loaded', 'database', 'listening'] as const).map((what) =>
        middle(starts, what).toFixed(0),
      );
      const { median: answered, worst } = answeredOf(line);
      return `| ${name}, ${starts.length} times | ${loaded} | ${database} | ${listening} | ${answered.toFixed(0)} | ${worst.toFixed(0)} | ${middle(starts, 'processor').toFixed(0)} | ${middle(starts, 'resident').toFixed(0)} |`;
    }),
  ].join('\n');
}

const [LEFT, WIDTH] = [330, 380];
const GREEN = '#2f6f4f';
const GREY = '#8a8f98';

type Bar = { readonly label: string; readonly value: number; readonly text: string };

/** Bars with a line for the goal, from `y` on downwards. */
function bars(title: string, goal: number, lines: readonly Bar[], y: number): { svg: string; end: number } {
  const most = Math.max(goal, ...lines.map(({ value }) => value)) * 1.1;
  const x = (value: number) => (LEFT + (WIDTH * value) / most).toFixed(1);
  const end = y + 18 + lines.length * 18;
  const svg = lines.map(({ label, value, text }, n) => {
    const top = y + 14 + n * 18;
    return (
      `<text x="${LEFT - 8}" y="${top + 11}" text-anchor="end" font-size="11">${plain(label)}</text>` +
      `<rect x="${LEFT}" y="${top}" width="${(Number(x(value)) - LEFT).toFixed(1)}" height="14" fill="${value <= goal ? GREEN : GREY}"/>` +
      `<text x="${LEFT + 5}" y="${top + 11}" fill="#fff" font-size="10">${plain(text)}</text>`
    );
  });
  return {
    svg: `<text x="16" y="${y}" font-weight="600">${plain(title)}</text>${svg.join('\n')}<path d="M${x(goal)} ${y + 8}V${end}" stroke="#b3261e" stroke-dasharray="3 2"/>`,
    end: end + 30,
  };
}

/** What was resident under load, over the operations. */
function line({ samples, peak }: Memory, y: number): { svg: string; end: number } {
  const height = 110;
  const all = samples.at(-1)?.operations ?? 1;
  const points = samples.map(
    ({ operations, loaded }) =>
      `${(LEFT + (WIDTH * operations) / all).toFixed(1)},${(y + 10 + height * (1 - loaded / (peak * 1.1))).toFixed(1)}`,
  );
  const label = (at: number, text: string) =>
    `<text x="${LEFT - 8}" y="${y + at}" text-anchor="end" font-size="11">${plain(text)}</text>`;
  return {
    svg:
      `<text x="16" y="${y}" font-weight="600">MiB resident under load</text>` +
      label(20, `${(peak * 1.1).toFixed(0)} MiB`) +
      label(10 + height, '0') +
      `<path d="M${LEFT} ${y + 10}v${height}h${WIDTH}" fill="none" stroke="${GREY}"/>` +
      `<polyline points="${points.join(' ')}" fill="none" stroke="${GREEN}" stroke-width="2"/>` +
      `<text x="${LEFT + WIDTH}" y="${y + 24 + height}" text-anchor="end" font-size="11">${count(all)} operations</text>`,
    end: y + height + 54,
  };
}

/** A chart of what is kept. */
export function chart({ growth, memory, start }: Kept): string {
  const parts: string[] = [];
  let y = 52;
  const draw = ({ svg, end }: { svg: string; end: number }) => {
    parts.push(svg);
    y = end;
  };
  if (growth?.growth !== undefined) {
    const ratios = growth.growth.map((one) => {
      const sizes = [one.sizes[0]?.size ?? 0, one.sizes.at(-1)?.size ?? 0].map(count).join(' to ');
      return {
        label: `${one.dimension}: ${one.operation}`,
        value: ratioOf(one),
        text: `${ratioOf(one).toFixed(2)}, ${sizes}`,
      };
    });
    draw(bars(`p50 of the largest to that of the smallest; the line: ${GROWTH}`, GROWTH, ratios, y));
  }
  if (memory?.memory !== undefined) {
    draw(line(memory.memory, y));
  }
  if (start?.start !== undefined) {
    const times = start.start.map((one) => {
      const { median: value, worst } = answeredOf(one);
      return { label: one.name, value, text: `${round(value)} ms, at worst ${round(worst)}` };
    });
    draw(bars(`Milliseconds to the first answer; the line: ${START}`, START, times, y));
  }
  const machine = (growth ?? memory ?? start)?.machine ?? '';
  return `<svg xmlns="http://www.w3.org/2000/svg" width="760" height="${y}" viewBox="0 0 760 ${y}" font-family="system-ui, sans-serif" font-size="12">
<title>Growth, memory and start</title>
<rect width="100%" height="100%" fill="#fff"/>
<text x="744" y="22" text-anchor="end" fill="#777" font-size="10">${plain(machine)}</text>
${parts.join('\n')}
</svg>
`;
}

/** What is kept, as a page of Markdown. */
export function page({ growth, memory, start }: Kept): string {
  const measured = ({ at, machine, settings }: Results) =>
    `Measured on ${at}: ${machine}. ${Object.entries(settings)
      .map(([name, value]) => `${name} ${count(value)}`)
      .join(', ')}.`;
  return [
    ...(growth?.growth === undefined ? [] : ['## Growth', measured(growth), growthTable(growth.growth)]),
    ...(memory?.memory === undefined ? [] : ['## Memory', measured(memory), memoryTable(memory.memory)]),
    ...(start?.start === undefined ? [] : ['## Start', measured(start), startTable(start.start)]),
  ]
    .join('\n\n')
    .concat('\n');
}

/** Results of a suite beside what was kept of it: of what did not grow this time, because of `--only`, the lines stay. */
export function merged(kept: Results | undefined, { growth, ...results }: Results): Results {
  if (growth === undefined) {
    return results;
  }
  const fresh = new Set(growth.map(({ dimension }) => dimension));
  const stay = kept?.growth?.filter(({ dimension }) => !fresh.has(dimension)) ?? [];
  return { ...results, growth: [...stay, ...growth] };
}

/** Keeps the results of one suite beside those of the others. */
export async function keep(suite: keyof Kept, results: Results): Promise<void> {
  const kept = await readFile(`${FILE}.json`, 'utf8').then(
    (text) => JSON.parse(text) as Kept,
    (error: NodeJS.ErrnoException): Kept => {
      if (error.code === 'ENOENT') {
        return {};
      }
      throw error;
    },
  );
  const all = { ...kept, [suite]: merged(kept[suite], results) };
  await writeFile(`${FILE}.json`, `${JSON.stringify(all, null, 2)}\n`);
  await writeFile(`${FILE}.md`, page(all));
  await writeFile(`${FILE}.svg`, chart(all));
}

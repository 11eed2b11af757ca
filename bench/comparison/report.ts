// Figures as a table for people, as JSON for machines, and as a chart.

import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Measured } from './measured.ts';

export type Line = {
  readonly suite: string;
  readonly name: string;
  readonly kind: 'read' | 'write';
  readonly ours: Measured;
  readonly other: Measured;
  readonly otherName: string;
};

export type Results = {
  readonly at: string;
  readonly machine: string;
  readonly settings: Readonly<Record<string, number>>;
  readonly lines: readonly Line[];
};

export const FOLDER = fileURLToPath(new URL('../results/', import.meta.url));
const ratioOf = ({ ours, other }: Line) => ours.throughput / other.throughput;
export const round = (value: number) => (value >= 100 ? value.toFixed(0) : value.toFixed(1));
/** Text as it may stand in SVG. */
export const plain = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

export const today = () => new Date().toISOString().slice(0, 10);

/** Where it was measured. */
export function machine(): string {
  const [cpu] = cpus();
  return `${availableParallelism()} cores (${cpu?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, shared by PostgreSQL, the server and the load; Node ${process.version}`;
}

/** Rows of Markdown, with a head. */
export function table(lines: readonly Line[]): string {
  return [
    '| | Operation | Here, per second | p50, p99 in ms | Beside it | per second | p50, p99 in ms | Ratio |',
    '| --- | --- | ---: | ---: | --- | ---: | ---: | ---: |',
    ...lines.map(
      (line) =>
        `| ${line.suite} | ${line.name} | ${round(line.ours.throughput)} | ${round(line.ours.p50)}, ${round(line.ours.p99)} | ${line.otherName} | ${round(line.other.throughput)} | ${round(line.other.p50)}, ${round(line.other.p99)} | ${ratioOf(line).toFixed(2)} |`,
    ),
  ].join('\n');
}

/** Bars of throughput, ours above the other's, each pair in the measure of its larger one. */
export function chart({ lines, machine, at }: Results): string {
  const [left, width, row] = [290, 420, 46];
  const bars = lines.map((line, n) => {
    const y = 40 + n * row;
    const most = Math.max(line.ours.throughput, line.other.throughput);
    const bar = (value: number, dy: number, colour: string, label: string) =>
      `<rect x="${left}" y="${y + dy}" width="${((width * value) / most).toFixed(1)}" height="14" fill="${colour}"/>` +
      `<text x="${left + 6}" y="${y + dy + 11}" fill="#fff" font-size="10">${plain(label)} ${round(value)}</text>`;
    return (
      `<text x="${left - 10}" y="${y + 13}" text-anchor="end">${plain(line.name)}</text>` +
      `<text x="${left - 10}" y="${y + 28}" text-anchor="end" fill="#777">${ratioOf(line).toFixed(2)} x ${plain(line.otherName)}</text>` +
      bar(line.ours.throughput, 2, '#2f6f4f', 'here') +
      bar(line.other.throughput, 18, '#8a8f98', line.otherName)
    );
  });
  const height = 40 + lines.length * row + 20;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="760" height="${height}" viewBox="0 0 760 ${height}" font-family="system-ui, sans-serif" font-size="12">
<title>Operations in a second, here and beside it</title>
<rect width="100%" height="100%" fill="#fff"/>
<text x="16" y="22" font-weight="600">Operations in a second, ${plain(at)}</text>
<text x="744" y="22" text-anchor="end" fill="#777" font-size="10">${plain(machine)}</text>
${bars.join('\n')}
</svg>
`;
}

/** Keeps results where the documents refer to them. */
export async function save(results: Results): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  const { rows, rounds, seconds, connections } = results.settings;
  await writeFile(`${FOLDER}comparison.json`, `${JSON.stringify(results, null, 2)}\n`);
  await writeFile(`${FOLDER}comparison.svg`, chart(results));
  await writeFile(
    `${FOLDER}comparison.md`,
    `Measured on ${results.at}: ${results.machine}. ${rows} memories, ${connections} connections, ${rounds} rounds of ${seconds} s.\n\n${table(results.lines)}\n`,
  );
}

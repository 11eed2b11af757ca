// Which widenings were decided: lines `Widens: <name of a change>` in the decision records.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const DECISIONS = fileURLToPath(new URL('../../../docs/decisions/', import.meta.url));

/** The revision whose policies were reviewed last, against which the gate compares. Moved with each release. */
export function baseRevision(): string {
  return readFileSync(new URL('../../../prisma/policies/BASE', import.meta.url), 'utf8').trim();
}

/** Name of a change -> the record that names it. */
export function decidedWidenings(folder = DECISIONS): Map<string, string> {
  const records = readdirSync(folder).filter((file) => file.endsWith('.md'));
  return new Map(
    records.flatMap((record) =>
      [...readFileSync(join(folder, record), 'utf8').matchAll(/^Widens: (.+?)\s*$/gm)].map(
        ([, name = '']): [string, string] => [name.replaceAll('`', ''), record],
      ),
    ),
  );
}

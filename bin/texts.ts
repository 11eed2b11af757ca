// The generated texts that people review: graphql/schema.graphql and docs/errors.md. `write` makes them, `check` compares.
// (prisma/policies/ACCESS.txt is observed on a real database, by test/policies/access.test.ts.)

import { readFileSync, writeFileSync } from 'node:fs';
import { errorsText } from '../src/print-errors.ts';
import { schemaText } from '../src/print-schema.ts';

const TEXTS = [
  { file: new URL('../graphql/schema.graphql', import.meta.url), print: schemaText },
  { file: new URL('../docs/errors.md', import.meta.url), print: errorsText },
];

const [mode] = process.argv.slice(2);
for (const { file, print } of TEXTS) {
  if (mode === 'write') {
    writeFileSync(file, print());
  } else if (readFileSync(file, 'utf8') !== print()) {
    process.stderr.write(
      `${file.pathname.split('/').slice(-2).join('/')} is out of date: run npm run generate\n`,
    );
    process.exitCode = 1;
  }
}

// Tests run against a real PostgreSQL, chosen by test/kit/global-setup.ts; each file gets a database of its own.

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const source = (path: string) => fileURLToPath(new URL(`src/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      // GraphQL must exist once: Vite would take its ES modules for our sources, Node its CommonJS for everybody else's.
      { find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) },
      // Who uses the package by its name gets the sources, and not what was built of them at some time.
      { find: /^bailiwick$/, replacement: source('library/bailiwick.ts') },
      { find: /^bailiwick\/(prisma|yoga|apollo|sealing)$/, replacement: source('library/$1.ts') },
      { find: /^bailiwick\/adoption$/, replacement: source('adoption/declaration.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/*.long.test.ts'],
    globalSetup: ['test/kit/global-setup.ts'],
    // files share a worker, one after the other: starting one for each costs a fifth of the time. No file leaves anything behind
    isolate: false,
    // two cores, and most of a test's time is PostgreSQL's
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});

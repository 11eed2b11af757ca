// Tests run against a real PostgreSQL, chosen by test/kit/global-setup.ts; each file gets a database of its own.

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  // GraphQL must exist once: Vite would take its ES modules for our sources, Node its CommonJS for everybody else's.
  resolve: { alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }] },
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

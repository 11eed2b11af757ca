// Tests run against a real PostgreSQL, chosen by test/kit/global-setup.ts; each file gets a database of its own.

import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/kit/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});

// `bailiwick start`: the server, until somebody ends it. What it does stands in src/main.ts.

import { once } from 'node:events';
import { readConfig } from '../config.ts';
import { defineCommand } from './command.ts';

export const command = defineCommand(
  {
    name: 'start',
    summary: 'Starts the server, and first the embedded database where none is configured',
    details: ['Ends on SIGINT or SIGTERM, after the operations in flight.'],
    options: {
      development: {
        type: 'boolean',
        about: 'With demo data, demo identities and GraphiQL, unless MODE is set: MODE=development',
      },
    },
  },
  async ({ development = false }, io) => {
    const config = readConfig(development ? { ...io.env, MODE: io.env.MODE || 'development' } : io.env);
    const { main } = await import('../main.ts');
    const running = await main(config, (step) => io.err(`${step} ...\n`));
    try {
      io.out([`listening on ${running.url}`, ...running.welcome, ''].join('\n'));
      if (!io.signal.aborted) {
        await once(io.signal, 'abort');
      }
      io.err('stopping ...\n');
    } finally {
      await running.stop();
    }
    return 0;
  },
);

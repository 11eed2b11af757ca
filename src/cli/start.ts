// `bailiwick start`: the server, until somebody ends it. What it does stands in src/main.ts.

import { once } from 'node:events';
import { readConfig } from '../config.ts';
import { defineCommand } from './command.ts';

export const command = defineCommand(
  {
    name: 'start',
    summary: 'Starts the server, and first the embedded database where none is configured',
    details: ['Ends on SIGINT or SIGTERM, after the operations in flight.'],
    options: {},
  },
  async (_values, io) => {
    const config = readConfig(io.env);
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

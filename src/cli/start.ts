// `bailiwick start`: the server, until somebody ends it. What it does stands in src/main.ts.

import { once } from 'node:events';
import { readConfig } from '../config.ts';
import { defineCommand, whole } from './command.ts';

export const command = defineCommand(
  {
    name: 'start',
    summary: 'Starts the server, and first the embedded database where none is configured',
    details: ['Ends on SIGINT or SIGTERM, after the operations in flight.'],
    options: {
      processes: {
        type: 'string',
        value: 'number',
        about: 'So many server processes on the one port, each with a pool of its own; otherwise PROCESSES',
      },
      development: {
        type: 'boolean',
        about: 'With demo data, demo identities and GraphiQL, unless MODE is set: MODE=development',
      },
    },
  },
  async ({ development = false, processes: asked }, io) => {
    const env = development ? { ...io.env, MODE: io.env.MODE || 'development' } : io.env;
    const config = readConfig(env);
    const processes = asked === undefined ? config.processes : whole('processes', asked, 1, 256);
    const several = processes > 1 ? await import('./processes.ts') : undefined;
    if (several !== undefined && !several.isServer()) {
      return (await several.supervise(processes, config, env, io)) ? 0 : 1;
    }
    const { main } = await import('../main.ts');
    const running = await main(config, (step) => io.err(`${step} ...\n`));
    try {
      if (several !== undefined) {
        several.tellReady(running);
        await (io.signal.aborted ? undefined : once(io.signal, 'abort'));
        return 0;
      }
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

// Runs a command line in this process and keeps what it wrote: command, output, exit code.

import { run } from '../../src/cli.ts';

export type Transcript = { readonly code: number; readonly out: string; readonly err: string };

/**
 * @param line The command line without the program's name, split at spaces.
 * @param env The whole environment of the command.
 */
export async function transcript(
  line: string,
  env: Record<string, string> = {},
  signal = new AbortController().signal,
): Promise<Transcript> {
  const written = { out: '', err: '' };
  const args = line.split(' ').filter((word) => word !== '');
  const code = await run(args, {
    out: (text) => {
      written.out += text;
    },
    err: (text) => {
      written.err += text;
    },
    env,
    signal,
  });
  return { code, ...written };
}

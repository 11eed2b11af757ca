// The command line: parse -> dispatch -> print the error -> exit code. Each command has a file of its own in src/cli.
//
// A command's file, and with it the database driver or the whole server, is loaded only when it is asked for. This file
// owns the process: it is the only one that reads its arguments and signals, and even it never ends the process.

import { type Command, columns, type ExitCode, type Io, UsageError } from './cli/command.ts';
import { PostureError } from './errors.ts';

/** Every command, in the order of the help. */
export const COMMANDS: Readonly<Record<string, () => Promise<{ command: Command }>>> = {
  start: () => import('./cli/start.ts'),
  migrate: () => import('./cli/migrate.ts'),
  doctor: () => import('./cli/doctor.ts'),
  token: () => import('./cli/token.ts'),
  issuers: () => import('./cli/issuers.ts'),
  keys: () => import('./cli/keys.ts'),
  'signing-keys': () => import('./cli/signing-keys.ts'),
  activity: () => import('./cli/activity.ts'),
  audit: () => import('./cli/audit.ts'),
  access: () => import('./cli/access.ts'),
  policies: () => import('./cli/policies.ts'),
  adopt: () => import('./cli/adopt.ts'),
  citus: () => import('./cli/citus.ts'),
};

/**
 * Runs a command line.
 *
 * @param args Without the program's own name.
 * @returns The exit code; whatever went wrong has been printed.
 */
export async function run(args: readonly string[], io: Io): Promise<ExitCode> {
  const [name = '', ...rest] = args;
  if (name === '--help' || name === 'help') {
    io.out(await help());
    return 0;
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  try {
    if (load === undefined) {
      throw new UsageError(name === '' ? 'say which command' : `there is no command ${name}`);
    }
    return await (await load()).command.run(rest, io);
  } catch (error) {
    if (error instanceof UsageError) {
      io.err(
        `bailiwick: ${error.message}\nSee \`bailiwick${load === undefined ? '' : ` ${name}`} --help\`.\n`,
      );
      return 2;
    }
    io.err(`bailiwick: ${describe(error)}\n`);
    if (io.env.LOG_LEVEL === 'debug' && error instanceof Error) {
      io.err(`${error.stack}\n`);
    }
    return 1;
  }
}

async function help(): Promise<string> {
  const commands = await Promise.all(Object.values(COMMANDS).map(async (load) => (await load()).command));
  return [
    'bailiwick <command> [options]\n\n',
    columns(commands.map(({ name, summary }) => [name, summary])),
    '\nEvery command explains itself: bailiwick <command> --help.\n',
    'Exit codes: 0 fine, 1 a finding, 2 wrong use. The environment variables are listed in README.md.\n',
  ].join('');
}

/** Connecting fails once per address, in an error that has no message of its own. */
function describe(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(describe).join('; ');
  }
  if (error instanceof PostureError) {
    return error.message;
  }
  return error instanceof Error ? error.message || error.name : String(error);
}

/** Milliseconds during which a repeated signal is taken for the same one: npm passes on what the terminal has sent too. */
const SAME_SIGNAL = 1000;

/**
 * Runs this process's own command line, for bin/bailiwick.js.
 *
 * The first signal asks the command to end; a later one ends the process, in case that hangs.
 */
export async function main(): Promise<void> {
  const ending = new AbortController();
  let asked = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!ending.signal.aborted) {
        asked = Date.now();
        ending.abort(signal);
      } else if (Date.now() - asked > SAME_SIGNAL) {
        process.removeAllListeners(signal);
        process.kill(process.pid, signal);
      }
    });
  }
  // The launcher holds the other end: when it is killed outright, no signal comes, but this does.
  process.once('disconnect', () => ending.abort('disconnect'));
  process.channel?.unref();
  // Whoever reads our output may have had enough (`bailiwick access | head`).
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') {
      throw error;
    }
  });
  process.exitCode = await run(process.argv.slice(2), {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    env: process.env,
    terminal: process.stderr.isTTY === true,
    signal: ending.signal,
  });
}

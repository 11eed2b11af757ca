// What a command is: data for its help, and a function from arguments to an exit code.
//
// Commands reach the world only through `Io`, so that a test is a transcript: command, output, exit code. They never end
// the process. Arguments are read by node:util; this file knows no command and no configuration.

import { parseArgs } from 'node:util';

/** 0 fine, 1 a finding (something is wrong with the installation, or there is no answer), 2 wrong use. */
export type ExitCode = 0 | 1 | 2;

export type Io = {
  /** Writes what was asked for, as it is. */
  out(text: string): void;
  /** Writes remarks about it. */
  err(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether remarks go to a person at a terminal. */
  readonly terminal?: boolean;
  /** Aborted when the person or the system asks the command to end. */
  readonly signal: AbortSignal;
};

export type Option = {
  readonly type: 'string' | 'boolean';
  readonly multiple?: true;
  /** What stands for the value in the help. */
  readonly value?: string;
  readonly about: string;
};
type Options = Readonly<Record<string, Option>>;

/** What `parseArgs` makes of options. */
type Values<O extends Options> = {
  readonly [Name in keyof O]?: O[Name] extends { type: 'boolean' }
    ? boolean
    : O[Name] extends { multiple: true }
      ? string[]
      : string;
};

type Description<O extends Options> = {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** Further lines of the help. */
  readonly details?: readonly string[];
  /** The words after the name, of which the command takes exactly one: word, or several with spaces between -> what it does. */
  readonly actions?: Readonly<Record<string, string>>;
  readonly options: O;
};

export type Command = Description<Options> & {
  /** @param args Everything after the command's name. */
  run(args: readonly string[], io: Io): Promise<ExitCode>;
};

/** Wrong use: printed with a pointer to the help, exit code 2. */
export class UsageError extends Error {}

/** The option that every command has. */
const HELP = { help: { type: 'boolean', about: 'This text' } } as const satisfies Options;

/**
 * Makes a command of its description and its work.
 *
 * @param work Gets the options by name, and the action where the command has actions.
 */
export function defineCommand<const O extends Options>(
  description: Description<O>,
  work: (values: Values<O>, io: Io, action: string) => Promise<ExitCode>,
): Command {
  return {
    ...description,
    async run(args, io) {
      const { values, positionals } = parse(args, { ...HELP, ...description.options });
      if (values.help === true) {
        io.out(helpOf(description));
        return 0;
      }
      const actions = Object.keys(description.actions ?? {});
      const action = actions.find((words) => words === positionals.slice(0, wordsOf(words)).join(' ')) ?? '';
      if (actions.length > 0 && action === '') {
        throw new UsageError(`say which: ${actions.join(', ')}`);
      }
      const unexpected = positionals.slice(actions.length > 0 ? wordsOf(action) : 0);
      if (unexpected.length > 0) {
        throw new UsageError(`unexpected argument ${unexpected[0]}`);
      }
      return await work(values as Values<O>, io, action);
    },
  };
}

const wordsOf = (action: string) => action.split(' ').length;

function parse(args: readonly string[], options: Options) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    if (error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')) {
      // the rest of the message explains how to escape, which helps nobody here
      throw new UsageError(
        (error.message.split(/\. (?=To )/)[0] ?? '').replace(/^./, (first) => first.toLowerCase()),
      );
    }
    throw error;
  }
}

/** The help text of a command. */
export function helpOf({ name, summary, details = [], actions = {}, options }: Description<Options>): string {
  const words = Object.keys(actions);
  const usage = ['bailiwick', name, ...(words.length > 0 ? [`<${words.join('|')}>`] : []), '[options]'].join(
    ' ',
  );
  return [
    `${usage}\n\n${summary}.\n`,
    details.length > 0 ? `\n${details.join('\n')}\n` : '',
    words.length > 0 ? `\n${columns(Object.entries(actions))}` : '',
    `\nOptions\n${columns(Object.entries({ ...options, ...HELP }).map(([option, of]) => [flag(option, of), of.about]))}`,
  ].join('');
}

function flag(name: string, { value }: Option): string {
  return value === undefined ? `--${name}` : `--${name} <${value}>`;
}

/** Two columns, indented, as wide as the first needs. */
export function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('');
}

/** The value of an option that is a whole number within bounds. */
export function whole(option: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < least || number > most) {
    throw new UsageError(`--${option} must be a whole number from ${least} to ${most}`);
  }
  return number;
}

/** Refuses what is no URL of a database. It is not quoted, because it may hold a password. */
export function checkUrl(url: string): void {
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url)) {
    throw new UsageError('--url is not a postgresql:// URL');
  }
}

// `bailiwick adopt`: an adopter's own tables, from where they are to isolation, and back.
//
// Works on any PostgreSQL, named by --url or ADOPT_DATABASE_URL; a URL may hold a password, so it is never printed. Whatever is ended goes
// on where it was when it is called again. The work itself is in src/adoption, the words in src/cli/adopt.

import pg from 'pg';
import { AdoptionError } from '../adoption/kernel.ts';
import { removing, rollingBack } from './adopt/back.ts';
import { accepting, report } from './adopt/findings.ts';
import { backfilling, shadowing, strictly } from './adopt/forward.ts';
import { plan } from './adopt/plan.ts';
import { sealing, unsealing } from './adopt/sealing.ts';
import { status, validating } from './adopt/state.ts';
import { checkUrl, defineCommand, type ExitCode, type Io, UsageError } from './command.ts';

export type AdoptValues = {
  readonly config?: string;
  readonly schema?: string;
  readonly table?: string[];
  readonly estimate?: boolean;
  readonly steps?: boolean;
  readonly batch?: string;
  readonly pause?: string;
  readonly 'lock-timeout'?: string;
  readonly since?: string;
  readonly period?: string;
  readonly follow?: boolean;
  readonly finding?: string;
  readonly all?: boolean;
  readonly reason?: string;
  readonly people?: string;
  readonly 'skip-validation'?: boolean;
  readonly to?: string;
  readonly yes?: boolean;
  readonly json?: boolean;
};

type Action = (client: pg.Client, values: AdoptValues, io: Io) => Promise<ExitCode>;
const ACTIONS: Readonly<Record<string, Action>> = {
  plan,
  backfill: backfilling,
  shadow: shadowing,
  report,
  accept: accepting,
  strict: strictly,
  validate: validating,
  status,
  seal: sealing,
  unseal: unsealing,
  rollback: rollingBack,
  remove: removing,
};

export const command = defineCommand(
  {
    name: 'adopt',
    summary: 'Brings tables of your own to isolation in three phases, each validated and each reversible',
    details: [
      'Tables are declared in bailiwick.config.ts; without one, plan proposes it. Plan changes nothing, and exits with 1',
      'while something is in the way. What is interrupted goes on when it is called again. See docs/adoption.md.',
    ],
    actions: {
      plan: 'Compare the declaration with the database, table by table',
      backfill: 'Give every row an owner, while the application goes on',
      shadow: 'Count what isolation would hide, and hide nothing',
      report: 'Say what was counted',
      accept: 'Record why a finding is as it should be',
      strict: 'Isolate, where nothing unexplained was counted',
      validate: 'Compare owners, contents and views with what is declared',
      status: 'Say how far each table is',
      seal: 'Encrypt what stands in clear in columns declared encrypted, once strict; then let nothing else in',
      unseal: 'Put it in clear again',
      rollback: 'Take what is furthest one phase back, or all to the one named',
      remove: 'Take everything out again that was installed',
    },
    options: {
      url: {
        type: 'string',
        value: 'postgresql://…',
        about: 'The database, as who owns the tables; its password may come from PGPASSWORD',
      },
      config: { type: 'string', value: 'file', about: 'The declaration; by default bailiwick.config.ts' },
      schema: {
        type: 'string',
        value: 'name',
        about: 'plan: where the tables are, while nothing is declared; by default public',
      },
      table: {
        type: 'string',
        multiple: true,
        value: 'name',
        about: 'Only this table; may be said several times',
      },
      estimate: { type: 'boolean', about: 'plan: do not read the tables: estimates in the place of counts' },
      steps: { type: 'boolean', about: 'plan: say of each table what each phase does, and under which lock' },
      batch: {
        type: 'string',
        value: 'rows',
        about: 'backfill, seal: rows in one transaction, 1000 by default',
      },
      pause: { type: 'string', value: 'ms', about: 'backfill, seal: rest after each batch, 10 by default' },
      'lock-timeout': {
        type: 'string',
        value: 'ms',
        about: 'How long a step waits for a lock before it is tried again, 200 by default',
      },
      since: {
        type: 'string',
        value: 'time',
        about: 'report: not what is older, such as 24h; by default all',
      },
      follow: { type: 'boolean', about: 'report: again every five seconds, until it is ended' },
      finding: { type: 'string', value: 'id', about: 'accept: which, as the report names it' },
      all: { type: 'boolean', about: 'accept: all that nobody has accepted; validate: everybody' },
      reason: { type: 'string', value: 'text', about: 'accept: why' },
      period: {
        type: 'string',
        value: 'time',
        about: 'strict: how long nothing unexplained must have been seen, 24h by default',
      },
      people: {
        type: 'string',
        value: 'number',
        about: 'validate: whose views are compared, for each table; 20 by default',
      },
      'skip-validation': { type: 'boolean', about: 'Do not validate the tables before and after' },
      to: {
        type: 'string',
        value: 'phase',
        about: 'rollback: none, owned or shadow; by default the one before the furthest',
      },
      yes: { type: 'boolean', about: 'remove: really' },
      json: { type: 'boolean', about: 'Print it as JSON' },
    },
  },
  async (values, io, action) => {
    const url = values.url ?? io.env.ADOPT_DATABASE_URL;
    if (url === undefined) {
      throw new UsageError('say which database: --url postgresql://…');
    }
    checkUrl(url);
    const client = new pg.Client({ connectionString: url, application_name: 'bailiwick adopt' });
    // a connection that is lost between two statements is told by the next
    client.on('error', () => undefined);
    await client.connect();
    try {
      return await (ACTIONS[action] as Action)(client, values, io);
    } catch (error) {
      if (error instanceof AdoptionError) {
        io.err(`${error.message}\n`);
        return 1;
      }
      throw error;
    } finally {
      await client.end();
    }
  },
);

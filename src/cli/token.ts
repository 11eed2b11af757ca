// `bailiwick token`: mints an access token of the development issuer, for trying out the API as one of its identities.
//
// Only the token goes to standard output, so that it can be used in $(...). The delegation is looked up, as the migrator:
// a token that names none would be refused, and one that names a dead one would be of no use. It grants nothing by
// itself: the database decides on every statement what the delegation allows.

import { SCOPES, type Scope } from '../capabilities.ts';
import { type Config, readConfig } from '../config.ts';
import { openDatabase } from '../db/connect.ts';
import { PostureError } from '../errors.ts';
import { type DelegationId, parseId } from '../ids.ts';
import { defineCommand, UsageError } from './command.ts';
import { type Delegation, findDelegations, findTenants } from './token/delegations.ts';

const DEFAULT_LIFETIME = '1h';
/** Seconds; what the verifier accepts. */
const LONGEST = 86_400;

export const command = defineCommand(
  {
    name: 'token',
    summary: 'Mints an access token for one of the development identities',
    details: [
      'Needs MODE=development. Example: TOKEN=$(MODE=development bailiwick token --as scout --for alice)',
    ],
    options: {
      as: { type: 'string', value: 'name', about: 'Who acts, such as alice or scout' },
      for: { type: 'string', value: 'name', about: 'For whom; left out, they act as themselves' },
      tenant: {
        type: 'string',
        value: 'slug',
        about: 'Their tenant; needed when the name exists in several',
      },
      delegation: {
        type: 'string',
        value: 'id',
        about: 'Under which delegation; needed when there are several',
      },
      scope: {
        type: 'string',
        multiple: true,
        value: 'kind:verb',
        about: 'Allow only this; may be repeated',
      },
      expires: {
        type: 'string',
        value: 'time',
        about: `Lifetime, such as 90s, 15m or ${DEFAULT_LIFETIME} (the default)`,
      },
    },
  },
  async (values, io) => {
    const actor = values.as;
    if (actor === undefined) {
      throw new UsageError('say who acts: --as <name>');
    }
    const delegation = values.delegation === undefined ? undefined : readDelegation(values.delegation);
    const scopes = readScopes(values.scope ?? []);
    const expiresIn = readSeconds(values.expires ?? DEFAULT_LIFETIME);
    // what it mints is worth nothing outside development, so leaving MODE out can only mean that
    const config = readConfig({ ...io.env, MODE: io.env.MODE || 'development' });
    const issuer = await openIssuer(config);

    const connection = await openDatabase(config, { mode: 'attach' });
    try {
      const who = {
        issuer: issuer.config.issuer,
        actor,
        owner: values.for,
        tenant: values.tenant,
        delegation,
      };
      const tenants = await findTenants(connection.migratorUrl, who);
      const [tenant] = tenants;
      if (tenant === undefined || tenants.length > 1) {
        const where = values.tenant === undefined ? '' : ` in tenant ${values.tenant}`;
        io.err(
          tenant === undefined
            ? `nobody is called ${actor}${where}\n`
            : `${actor} exists in several tenants, choose one with --tenant: ${tenants.join(', ')}\n`,
        );
        return 1;
      }
      const asItself = values.for === undefined && delegation === undefined;
      const found = asItself ? [] : await findDelegations(connection.migratorUrl, { ...who, tenant });
      const chosen = theOne(found);
      if (!asItself && chosen === undefined) {
        io.err(explain(found, actor, values.for));
        return 1;
      }
      if (found.length > 1) {
        io.err(
          `under ${chosen?.id}, the one of ${found.length} delegations that is not limited to a world\n`,
        );
      }
      const request = { tenant, scopes, expiresIn };
      const token = await issuer.mint(
        chosen === undefined
          ? { ...request, subject: actor }
          : { ...request, subject: chosen.owner, actor, delegationId: chosen.id },
      );
      io.out(`${token}\n`);
      return 0;
    } finally {
      await connection.stop();
    }
  },
);

async function openIssuer(config: Config) {
  if (!config.development) {
    throw new PostureError('There is no development issuer:', [
      'set MODE=development, here and for the server',
    ]);
  }
  const { developmentIssuer } = await import('../development.ts');
  return developmentIssuer(config);
}

/** The only one, or the only one without a world limit: a limited one is always meant by name. */
function theOne(found: readonly Delegation[]): Delegation | undefined {
  const candidates = found.length > 1 ? found.filter(({ world }) => world === null) : found;
  return candidates.length === 1 ? candidates[0] : undefined;
}

function explain(found: readonly Delegation[], actor: string, owner: string | undefined): string {
  const between = owner === undefined ? `to ${actor}` : `from ${owner} to ${actor}`;
  if (found.length === 0) {
    return `no delegation ${between} is in force\n`;
  }
  const lines = found.map(({ id, expiresAt, world, purpose, capabilities }) =>
    [
      `  ${id}  until ${expiresAt.toISOString()}${world === null ? '' : `, in ${world} only`}`,
      purpose,
      capabilities.join(' '),
    ]
      .filter((line) => line !== null)
      .join('\n      '),
  );
  return `several delegations ${between} are in force, choose one with --delegation:\n${lines.join('\n')}\n`;
}

function readDelegation(text: string): DelegationId {
  const id = parseId<DelegationId>(text);
  if (id === undefined) {
    throw new UsageError(`--delegation ${text} is not an id`);
  }
  return id;
}

/** All there are, unless some are named: what the token's bearer holds is an intersection anyway. */
function readScopes(words: readonly string[]): readonly Scope[] {
  const named = words.flatMap((word) => word.split(/[\s,]+/)).filter((word) => word !== '');
  return named.length === 0 ? SCOPES : named.map(readScope);
}

function readScope(word: string): Scope {
  const scope = SCOPES.find((known) => known === word);
  if (scope === undefined) {
    throw new UsageError(`there is no scope ${word}; there are ${SCOPES.join(', ')}`);
  }
  return scope;
}

function readSeconds(text: string): number {
  const [, amount, unit = 's'] = text.match(/^(\d{1,6})([smhd]?)$/) ?? [];
  const seconds = Number(amount) * ({ s: 1, m: 60, h: 3600, d: 86_400 }[unit] ?? 1);
  if (!(seconds >= 1 && seconds <= LONGEST)) {
    throw new UsageError(`--expires ${text} is not a time between 1s and 24h`);
  }
  return seconds;
}

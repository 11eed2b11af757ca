// `bailiwick issuers`: the token issuers that single tenants trust, besides those of ISSUERS that the whole installation does.
//
// The operator's work, as the migrator: a tenant that could write its own would choose whose tokens count. A running server
// asks for an issuer again within half a minute; one that was removed or suspended counts no more on the very next request,
// because the database asks too.

import type pg from 'pg';
import { type IssuerId, newId } from '../ids.ts';
import { registeredIssuer } from '../trust.ts';
import { asMigrator } from './as-migrator.ts';
import { defineCommand, type ExitCode, type Io, UsageError } from './command.ts';

type Listed = {
  readonly id: IssuerId;
  readonly tenant: string;
  readonly issuer: string;
  readonly status: 'active' | 'suspended';
  readonly settings: Readonly<Record<string, unknown>>;
};

export const command = defineCommand(
  {
    name: 'issuers',
    summary: 'Lists, adds and removes the token issuers that a tenant trusts',
    details: [
      'Example: bailiwick issuers add --tenant acme --issuer https://id.acme.example --audience https://api.example.com \\',
      '           --discovery https://id.acme.example/.well-known/openid-configuration --tenant-from fixed:acme',
      '',
      'Where the tenant of a token comes from (--tenant-from):',
      '  claim:NAME            the value of that claim; claim:tenant unless given',
      '  urn:URN[#a.b]         a claim with a URN for a name, or what the path leads to in its value',
      '  group:CLAIM=PREFIX    what follows the prefix in the one group that begins with it',
      '  fixed:SLUG            always this tenant',
    ],
    actions: {
      list: 'every issuer of every tenant, or of --tenant',
      add: 'trust one more, or change the settings of one',
      suspend: 'refuse its tokens until it is added again',
      remove: 'forget it; its subjects stay registered',
    },
    options: {
      tenant: { type: 'string', value: 'slug', about: 'The tenant that trusts it' },
      issuer: { type: 'string', value: 'iss', about: 'Exact value of the claim iss' },
      audience: { type: 'string', value: 'aud', about: 'add: what aud must contain' },
      jwks: { type: 'string', value: 'url', about: 'add: where its keys are; this or --discovery' },
      discovery: { type: 'string', value: 'url', about: 'add: the document that says where its keys are' },
      'tenant-from': { type: 'string', value: 'rule', about: 'add: which claim names the tenant, see above' },
      type: {
        type: 'string',
        multiple: true,
        value: 'typ',
        about: 'add: accepted typ, at+jwt (the default) or JWT; may be repeated',
      },
      algorithm: {
        type: 'string',
        multiple: true,
        value: 'alg',
        about: 'add: accepted algorithm, RS256 or ES256; both unless given',
      },
      json: { type: 'boolean', about: 'list: for machines' },
    },
  },
  (values, io, action) => asMigrator(io, (client) => ACTIONS[action as Action](client, values, io)),
);

type Values = {
  readonly tenant?: string;
  readonly issuer?: string;
  readonly audience?: string;
  readonly jwks?: string;
  readonly discovery?: string;
  readonly 'tenant-from'?: string;
  readonly type?: string[];
  readonly algorithm?: string[];
  readonly json?: boolean;
};
type Action = 'list' | 'add' | 'suspend' | 'remove';

const ACTIONS: Readonly<Record<Action, (client: pg.Client, values: Values, io: Io) => Promise<ExitCode>>> = {
  list,
  add,
  suspend,
  remove,
};

async function list(client: pg.Client, { tenant, json }: Values, io: Io): Promise<ExitCode> {
  const { rows } = await client.query<Listed>(
    `select s.id, t.slug as tenant, s.issuer, s.status, s.settings
       from issuers s join tenants t using (tenant_id)
      where $1::text is null or t.slug = $1 order by t.slug, s.issuer`,
    [tenant ?? null],
  );
  if (json === true) {
    io.out(`${JSON.stringify(rows, null, 2)}\n`);
    return 0;
  }
  for (const { tenant: slug, issuer, status, settings } of rows) {
    io.out(`${slug}  ${issuer}${status === 'active' ? '' : `  ${status}`}\n`);
    for (const [name, value] of Object.entries(settings)) {
      io.out(`  ${name.padEnd(11)} ${typeof value === 'string' ? value : JSON.stringify(value)}\n`);
    }
  }
  io.err(rows.length === 0 ? 'no tenant trusts an issuer of its own\n' : '');
  return 0;
}

async function add(client: pg.Client, values: Values, io: Io): Promise<ExitCode> {
  const issuer = named(values);
  if (values.tenant === undefined) {
    throw new UsageError('say which tenant trusts it: --tenant <slug>');
  }
  const id = newId<IssuerId>();
  const parsed = registeredIssuer.safeParse({
    id,
    issuer,
    audience: values.audience,
    ...(values.jwks === undefined ? {} : { jwksUri: values.jwks }),
    ...(values.discovery === undefined ? {} : { discovery: values.discovery }),
    ...(values.type === undefined ? {} : { types: values.type }),
    ...(values.algorithm === undefined ? {} : { algorithms: values.algorithm }),
    ...(values['tenant-from'] === undefined ? {} : { tenant: strategyOf(values['tenant-from']) }),
  });
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
    throw new UsageError(`not an issuer that can be trusted: ${faults.join('; ')}`);
  }
  const { id: _id, issuer: _issuer, ...settings } = parsed.data;
  const { rows } = await client.query<{ id: IssuerId; added: boolean }>(
    // xmax is 0 for a row that was not there before
    `insert into issuers (tenant_id, id, issuer, settings)
     select tenant_id, $2, $3, $4 from tenants where slug = $1
     on conflict (issuer) do update set settings = excluded.settings, status = 'active'
      where issuers.tenant_id = excluded.tenant_id
     returning id, xmax = 0 as added`,
    [values.tenant, id, issuer, JSON.stringify(settings)],
  );
  const [row] = rows;
  if (row === undefined) {
    io.err(`there is no tenant ${values.tenant}, or another tenant trusts this issuer already\n`);
    return 1;
  }
  io.out(`${row.added ? 'added' : 'changed'}  ${values.tenant}  ${issuer}\n`);
  return 0;
}

async function suspend(client: pg.Client, values: Values, io: Io): Promise<ExitCode> {
  const issuer = named(values);
  const { rowCount } = await client.query(`update issuers set status = 'suspended' where issuer = $1`, [
    issuer,
  ]);
  return told(rowCount, 'suspended', issuer, io);
}

async function remove(client: pg.Client, values: Values, io: Io): Promise<ExitCode> {
  const issuer = named(values);
  const { rowCount } = await client.query('delete from issuers where issuer = $1', [issuer]);
  return told(rowCount, 'removed', issuer, io);
}

function named({ issuer }: Values): string {
  if (issuer === undefined) {
    throw new UsageError('say which: --issuer <iss>');
  }
  return issuer;
}

function told(rowCount: number | null, done: string, issuer: string, io: Io): ExitCode {
  if (rowCount === 0) {
    io.err(`no tenant trusts ${issuer}\n`);
    return 1;
  }
  io.out(`${done}  ${issuer}\n`);
  return 0;
}

/** `--tenant-from` as src/trust.ts has it; what is wrong with it is said there. */
function strategyOf(rule: string): Record<string, unknown> {
  const [, kind, rest = ''] = /^(claim|group|fixed):(.*)$/s.exec(rule) ?? [];
  switch (kind) {
    case 'claim':
      return { strategy: 'provider_claim', claim: rest };
    case 'group': {
      const [claim, ...prefix] = rest.split('=');
      return { strategy: 'group_prefix', claim, prefix: prefix.join('=') };
    }
    case 'fixed':
      return { strategy: 'fixed', tenant: rest };
    default: {
      if (!rule.startsWith('urn:')) {
        throw new UsageError('--tenant-from is one of claim:…, urn:…, group:…=…, fixed:…');
      }
      const [claim, path] = rule.split('#');
      return { strategy: 'urn_claim', claim, ...(path === undefined ? {} : { path: path.split('.') }) };
    }
  }
}

// `bailiwick keys status`: the keys of every level, and what each encrypted column holds.

import { keyIdOf } from '../../crypto/provider.ts';
import { countCells } from '../../db/custody/cells.ts';
import { columnsOf } from '../../db/custody/resealing.ts';
import { constraintOf, readUnsealed } from '../../db/sealing/phase.ts';
import type { ExitCode } from '../command.ts';
import type { Work } from '../keys.ts';

type Tenant = {
  readonly tenant: string;
  /** Of its newest key; null once it is destroyed. */
  readonly version: number;
  readonly under: string | null;
  readonly since: Date;
  readonly dataKeys: number;
  readonly retired: number;
  readonly destroyed: number;
  readonly unfinished: number;
};

export async function status({ pass, values, io }: Work): Promise<ExitCode> {
  const { client, tenantId = null, keys } = pass;
  const current = await keys.roots.provider.current();
  const tenants = (await tenantsOf(client, tenantId)).map(({ wrapped, ...tenant }) => ({
    ...tenant,
    under: wrapped === null ? null : keyIdOf(wrapped),
  }));
  const unsealed = await readUnsealed(client);
  const held = [];
  for (const field of columnsOf(pass)) {
    held.push({
      column: `${field.table}.${field.column}`,
      sealed: await countCells(client, field, 'sealed', tenantId),
      retired: await countCells(client, field, 'retired', tenantId),
      plain: await countCells(client, field, 'plain', tenantId),
      closed: !unsealed.has(constraintOf(field)),
    });
  }
  const fine =
    held.every(({ plain, closed }) => plain === 0 && closed) &&
    tenants.every(({ under, unfinished }) => (under === null || under === current) && unfinished === 0);
  if (values.json === true) {
    io.out(
      `${JSON.stringify({ fine, keyEncryptionKey: current, erasure: keys.roots.erasure !== undefined, tenants, columns: held }, null, 2)}\n`,
    );
    return fine ? 0 : 1;
  }
  io.out(`key-encryption key  ${current}\n`);
  io.out(
    `backups             ${keys.roots.erasure === undefined ? 'stay readable when keys are destroyed: no ERASURE_DIR' : 'become unreadable with destroyed keys'}\n\n`,
  );
  io.out(
    table(
      ['tenant', 'key', 'wrapped under', 'since', 'data keys', 'retired', 'destroyed'],
      tenants.map(lineOf),
    ),
  );
  io.out('\n');
  io.out(
    table(
      ['column', 'sealed', 'under old keys', 'in clear', 'lets in'],
      held.map(({ column, sealed, retired, plain, closed }) => [
        column,
        `${sealed}`,
        `${retired}`,
        `${plain}`,
        closed ? 'envelopes only' : 'anything: call keys seal',
      ]),
    ),
  );
  return fine ? 0 : 1;
}

function lineOf({
  tenant,
  version,
  under,
  since,
  dataKeys,
  retired,
  destroyed,
  unfinished,
}: Tenant): string[] {
  const going = unfinished > 0 ? ', rotation unfinished' : '';
  return [
    tenant,
    `${version}${going}`,
    under ?? 'destroyed',
    since.toISOString().slice(0, 16),
    ...[dataKeys, retired, destroyed].map(String),
  ];
}

async function tenantsOf(client: Work['pass']['client'], tenantId: string | null) {
  const { rows } = await client.query<Omit<Tenant, 'under'> & { wrapped: string | null }>(
    `select n.slug as tenant, t.version, t.wrapped, t.created_at as since,
            k.live::int as "dataKeys", k.retired::int as retired, k.destroyed::int as destroyed,
            (select count(*)::int from bailiwick.key_rotations g
              where g.finished_at is null and g.scope in ('all', n.id::text)) as unfinished
       from tenants n
       join lateral (select * from tenant_keys t where t.tenant_id = n.id and t.purpose = 'wrap'
                      order by t.version desc limit 1) t on true
       cross join lateral (
         select count(*) filter (where retired_at is null and destroyed_at is null) as live,
                count(*) filter (where retired_at is not null and destroyed_at is null) as retired,
                count(*) filter (where destroyed_at is not null) as destroyed
           from data_keys d where d.tenant_id = n.id) k
      where $1::uuid is null or n.id = $1
      order by n.slug`,
    [tenantId],
  );
  return rows;
}

/** A table with its heads. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heads, ...rows];
  const widths = heads.map((_, at) => Math.max(...all.map((row) => (row[at] ?? '').length)));
  const lines = all.map((row) =>
    row
      .map((text, at) => text.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

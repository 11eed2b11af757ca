// A shop with a past: makes the tables of shape.ts in a database of its own, with rows for so many tenants, and the roles that its
// application logs in as. The same rows on every run; what is wrong with them says planted.ts.
//
// Roles belong to the whole server, so their names are those of one run, and they go with the database.

import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { asAdmin, dropDatabase, type TestServer, testUrl } from '../../kit/database.ts';
import { DDL, fillingOf } from './shape.ts';

export type LegacySet = {
  readonly tenants: number;
  /** As the server's administrator. */
  readonly adminUrl: string;
  readonly database: string;
  /** As the application before and after it was changed. */
  readonly oldUrl: string;
  readonly newUrl: string;
  /** Of the application, in the database. */
  readonly roles: readonly [before: string, after: string];
  drop(): Promise<void>;
};

/** Makes it. To be dropped when the test is done. */
export async function makeLegacySet({ adminUrl, run }: TestServer, tenants: number): Promise<LegacySet> {
  const suffix = `${run}_${randomBytes(3).toString('hex')}`;
  const database = `bailiwick_test_${suffix}`;
  const [owner, before, after] = ['owner', 'old', 'new'].map((who) => `shop_${who}_${suffix}`) as [
    string,
    string,
    string,
  ];
  const password = randomBytes(12).toString('hex');
  const url = testUrl(adminUrl, database);
  const as = (role: string) => {
    const one = new URL(url);
    one.username = role;
    one.password = password;
    return one.href;
  };
  const drop = async () => {
    await asAdmin(adminUrl, async (client) => {
      await dropDatabase(client, database);
      await client.query(`drop role if exists ${before}, ${after}, ${owner}`);
    });
  };
  try {
    await asAdmin(adminUrl, async (client) => {
      await client.query(`create role ${owner} nologin`);
      for (const role of [before, after]) {
        await client.query(`create role ${role} login password ${pg.escapeLiteral(password)}`);
      }
      await client.query(`create database ${database}`);
    });
    await asAdmin(url, async (client) => {
      await client.query('set synchronous_commit = off');
      await client.query(
        `create schema truth; create schema shop authorization ${owner}; set role ${owner}; set search_path = shop; ${DDL}`,
      );
      await client.query(
        `grant usage on schema shop to ${before}, ${after};
         grant select, insert, update, delete on all tables in schema shop to ${before}, ${after};
         grant usage on all sequences in schema shop to ${before}, ${after}`,
      );
      await client.query('reset role; reset search_path');
      for (const sql of fillingOf(tenants)) {
        await client.query(sql);
      }
      await client.query('analyze');
    });
  } catch (error) {
    await drop();
    throw error;
  }
  return {
    tenants,
    adminUrl: url,
    database,
    oldUrl: as(before),
    newUrl: as(after),
    roles: [before, after],
    drop,
  };
}

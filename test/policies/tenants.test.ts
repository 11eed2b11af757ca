import { expect } from 'vitest';
import { TENANTS } from '../../src/demo/cast.ts';
import { itself, test } from '../kit/cast.ts';

test('mallory sees her own tenant and not acme', async ({ as }) => {
  expect(await as('mallory', itself, (sql) => sql.list('select id from tenants'))).toEqual([
    TENANTS.globex.id,
  ]);
});

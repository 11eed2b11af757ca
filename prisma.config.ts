// Configuration of Prisma's own CLI. Migrations are applied by `bailiwick migrate` in-process; `prisma migrate deploy`
// with the migrator's URL does the same to the same history table.

import { defineConfig } from 'prisma/config';

const url = process.env.MIGRATION_DATABASE_URL;

export default defineConfig({
  schema: 'schema.prisma',
  migrations: { path: 'prisma/migrations' },
  ...(url === undefined ? {} : { datasource: { url } }),
});

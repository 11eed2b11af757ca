// What exists in development only: the demo data, an issuer that mints tokens for the demo identities, and GraphiQL.
// With NODE_ENV=production the configuration refuses development mode, and the issuer refuses to be made.

import { createDevelopmentIssuer, type DevelopmentIssuer } from './auth/development.ts';
import { PERSONAL, SCOPES } from './capabilities.ts';
import type { Config } from './config.ts';
import { identities } from './demo/identities.ts';
import { seedCast } from './demo/seed.ts';
import { PAGE_HEADERS, renderPage } from './graphiql/page.ts';
import { TABS } from './graphiql/story.ts';
import type { Page } from './server.ts';

export const DEVELOPMENT_ISSUER = 'https://development.bailiwick.invalid';
export const DEVELOPMENT_AUDIENCE = 'bailiwick';

export type Development = {
  readonly issuer: DevelopmentIssuer;
  readonly pages: readonly (readonly [route: string, page: Page])[];
  welcome(origin: string): string[];
};

/** The issuer of demo tokens, as both the server and `bailiwick token` use it. */
export function developmentIssuer(config: Config): DevelopmentIssuer {
  return createDevelopmentIssuer({
    dataDir: config.dataDir,
    issuer: DEVELOPMENT_ISSUER,
    audience: DEVELOPMENT_AUDIENCE,
    development: config.development,
    nodeEnv: process.env.NODE_ENV,
  });
}

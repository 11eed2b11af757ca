// What exists in development only: the demo data, an issuer that mints tokens for the demo identities, and GraphiQL.
// With NODE_ENV=production the configuration refuses development mode, and the issuer refuses to be made.

import { toGlobalId } from './api/global-id.ts';
import { createDevelopmentIssuer, type DevelopmentIssuer } from './auth/development.ts';
import { SCOPES } from './capabilities.ts';
import type { Config } from './config.ts';
import type { DataKeyRing } from './crypto/keys.ts';
import { demoServices } from './demo/answers.ts';
import { ACTORS, type ActorName, AGENTS, type AgentName, WORLDS } from './demo/cast.ts';
import { DELEGATIONS, type DelegationName } from './demo/delegations.ts';
import { MEMORIES } from './demo/memories.ts';
import { type LiveDelegations, seedCast } from './demo/seed.ts';
import { SERVICES } from './demo/services.ts';
import { type DemoIdentity, storyTabs } from './graphiql/story.ts';
import type { Outgoing } from './outgoing/call.ts';
import type { Page } from './server.ts';

export const DEVELOPMENT_ISSUER = 'https://development.bailiwick.invalid';
const AUDIENCE = 'bailiwick';
const TOKEN_SECONDS = 3600;

export type Development = {
  readonly issuer: DevelopmentIssuer;
  /** `METHOD /path` and what answers there. */
  readonly pages: readonly (readonly [route: string, page: Page])[];
  /** The services of the demo, which no network reaches. */
  readonly services: ReadonlyMap<string, Outgoing>;
  /** Lines for the person who started the server. */
  welcome(origin: string): string[];
};

/** The issuer of demo tokens, as both the server and `bailiwick token` use it. */
export function developmentIssuer(config: Pick<Config, 'dataDir' | 'development'>): DevelopmentIssuer {
  return createDevelopmentIssuer({
    dataDir: config.dataDir,
    issuer: DEVELOPMENT_ISSUER,
    audience: AUDIENCE,
    development: config.development,
    nodeEnv: process.env.NODE_ENV,
  });
}

type Role = {
  readonly id: string;
  readonly actor: ActorName;
  readonly under?: DelegationName;
  readonly description: string;
};

// Who can be played in GraphiQL, in the order of the picker.
const ROLES: readonly Role[] = [
  { id: 'alice', actor: 'alice', description: 'A user, in person' },
  { id: 'scout', actor: 'scout', under: 'scout', description: 'Alice’s agent, acting for her' },
  {
    id: 'scout-garden',
    actor: 'scout',
    under: 'scoutInGarden',
    description: 'Alice’s agent, limited to the world Garden',
  },
  { id: 'scribe', actor: 'scribe', under: 'scribe', description: 'Scout’s sub-agent, two hops from Alice' },
  { id: 'scout-itself', actor: 'scout', description: 'Alice’s agent as itself, for nobody' },
  { id: 'late', actor: 'late', under: 'late', description: 'Alice’s agent, whose delegation has expired' },
  { id: 'rogue', actor: 'rogue', under: 'rogue', description: 'Alice’s agent, whose delegation was revoked' },
  { id: 'bob', actor: 'bob', description: 'Another user of the same tenant' },
  { id: 'bobot', actor: 'bobot', under: 'bobot', description: 'Bob’s agent, acting for him' },
  { id: 'ada', actor: 'ada', description: 'The tenant’s administrator' },
  { id: 'mallory', actor: 'mallory', description: 'A user of another tenant' },
  { id: 'mimic', actor: 'mimic', under: 'mimic', description: 'Mallory’s agent, acting for her' },
];

function label({ id, actor, under }: Role): string {
  const owner = actor in AGENTS ? AGENTS[actor as AgentName].owner : undefined;
  return under === undefined
    ? id
    : id === actor
      ? `${actor} for ${owner}`
      : `${actor} for ${owner} (${id.split('-').at(-1)})`;
}

async function identitiesOf(
  issuer: DevelopmentIssuer,
  delegations: LiveDelegations,
): Promise<DemoIdentity[]> {
  const identities = await Promise.all(
    ROLES.map(async (role): Promise<DemoIdentity> => {
      const { tenant } = ACTORS[role.actor];
      const token = await issuer.mint({
        subject: role.actor,
        tenant,
        scopes: SCOPES,
        expiresIn: TOKEN_SECONDS,
      });
      return {
        id: role.id,
        label: label(role),
        tenant,
        description: role.description,
        token,
        // one that has ended is still worth trying: it shows nothing
        delegationId:
          role.under === undefined ? null : (delegations.get(role.under) ?? DELEGATIONS[role.under].id),
        expiresAt: new Date(Date.now() + TOKEN_SECONDS * 1000).toISOString(),
      };
    }),
  );
  const nobody = {
    id: 'nobody',
    label: 'nobody',
    tenant: '',
    description: 'No credential at all',
    token: null,
    delegationId: null,
    expiresAt: null,
  };
  return [...identities, nobody];
}

/** Makes the demo: data, issuer and pages. */
export async function development(
  config: Config,
  migratorUrl: string,
  keys: DataKeyRing,
): Promise<Development> {
  const issuer = developmentIssuer(config);
  await seedCast(migratorUrl, { issuer: DEVELOPMENT_ISSUER, keys });
  const story = async () => {
    // whoever opens the page finds the story at its beginning, though its last telling ended a delegation
    const { delegations, waiting } = await seedCast(migratorUrl, {
      issuer: DEVELOPMENT_ISSUER,
      keys,
      revive: true,
    });
    const memory = MEMORIES.find(({ owner }) => owner === 'alice');
    const tabs = storyTabs({
      memory: toGlobalId('Memory', memory?.id ?? ''),
      scribe: toGlobalId('Agent', AGENTS.scribe.id),
      delegation: toGlobalId('Delegation', delegations.get('scout') ?? DELEGATIONS.scout.id),
      credential: toGlobalId('ServiceCredential', SERVICES.tracker.id),
      approval: toGlobalId('Approval', waiting ?? ''),
      world: toGlobalId('World', WORLDS.garden.id),
      scout: toGlobalId('Agent', AGENTS.scout.id),
    });
    return { identities: await identitiesOf(issuer, delegations), tabs };
  };
  const json = (body: unknown) => ({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return {
    issuer,
    services: demoServices(),
    pages: [
      ['GET /development/identities', async () => json(await story())],
      ['GET /development/jwks.json', async () => json(await issuer.jwks())],
      [
        'GET /graphql',
        async () => {
          // loaded on the first view: a server that nobody looks at does not carry the page
          const { PAGE_HEADERS, renderPage } = await import('./graphiql/page.ts');
          const body = await renderPage({ endpoint: '/graphql', identitiesUrl: '/development/identities' });
          return { status: 200, headers: { ...PAGE_HEADERS }, body };
        },
      ],
    ],
    welcome: (origin) => [
      `GraphiQL   ${origin}/graphql`,
      '',
      ...ROLES.map((role) => `  ${label(role).padEnd(26)} ${role.description}`),
      '',
      `A token for scripts:   npx bailiwick token --as scout --for alice`,
    ],
  };
}

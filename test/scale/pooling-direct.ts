// Which test files take a connection past the pooler when the whole suite runs through one (`npm run test:pgbouncer`), and why each has to.
// All others go through it with everything that the runtime role does, in raw SQL too.

const ALONE = 'gives a server or a command DATABASE_URL alone, so that it takes it for direct';

/** Path of a file or folder -> what in it is about one backend, or about being connected, and not about rows. */
export const DIRECT: Readonly<Record<string, string>> = {
  'activity/partitions.test.ts': 'reads which plans are kept under the names of statements',
  'api/http.test.ts':
    'expects to be ready as soon as PostgreSQL takes logins again, which a pooler tries in its own time',
  'api/overload.test.ts': ALONE,
  'api/shutdown.test.ts': ALONE,
  'assurance/attacks/attacks.test.ts': 'attacks from a login of its own, which starts with `options`',
  'assurance/attacks/failing.test.ts': 'the same attacks, on faults',
  'assurance/diff/diff.test.ts':
    'drops a scratch database without force, to which the pooler would still be connected',
  'assurance/model/graphql.test.ts':
    'knows COMMIT by the name of its statement, to look at what would be kept and then undo it',
  'cli/doctor.test.ts': ALONE,
  'cli/launcher.test.ts': ALONE,
  'cli/policies.test.ts': 'the same, by the command `policies diff`',
  'cli/start.test.ts': ALONE,
  'db/canaries.test.ts': 'looks for the backends of one application in the view of activity',
  'db/connections.test.ts': 'ends idle backends, and waits for statements by their names on the wire',
  'db/neighbours.test.ts': 'listens with connections of its own',
  'db/roles.test.ts': 'a stranger must be refused by PostgreSQL, and not by the pooler before it',
  'db/traces.test.ts': 'reads the names of statements, and settings that a backend gets when it starts',
  'examples/agent.test.ts': ALONE,
  'graphiql/story.test.ts': ALONE,
  'main.test.ts': 'starts servers with DATABASE_URL alone, and counts their backends when they have ended',
  'policies/deciding-at-once.test.ts': 'finds by its own process id who waits for whose lock',
  'policies/events-shared.test.ts': 'listens with a connection of its own',
  'policies/events.test.ts': 'listens with a connection of its own',
  'scale/': 'say for themselves what stands in between',
};

/** Whether a test file is one of them. */
export function needsDirect(path: string | undefined): boolean {
  return (
    path !== undefined &&
    Object.keys(DIRECT).some((place) =>
      `${path}/`.includes(`/test/${place}${place.endsWith('/') ? '' : '/'}`),
    )
  );
}

// Transparent encryption of fields: what is written through Prisma is sealed on its way to the database, what is read is opened.
//
// Which fields are encrypted is declared beside them in schema.prisma. Whoever reads a row without being the holder of its key gets
// null, as if nothing were there; an envelope that does not open is an error, when somebody asks for the value and not before, so
// that one damaged value does not hide a page of others. This layer decides nothing about rows: it may only ask for keys of holders
// that the sealed context is itself, or owns in person, and the policies of the key tables say it again.

import { Prisma } from '../../generated/prisma/client.ts';
import type { DataKeyRing, SessionKeys } from '../crypto/keys.ts';
import type { Transaction } from './client.ts';
import { keyTable } from './data-keys.ts';
import type { ModelName } from './models.ts';
import { runningSession } from './pool.ts';
import type { OpenContext } from './sealed-connection.ts';
import { askable } from './sealing/asking.ts';
import { inWords } from './sealing/failures.ts';
import type { Row, Sealed } from './sealing/fields.ts';
import { openRaw, openRawAtOnce, openResult, planRead } from './sealing/reading.ts';
import { changeSealed, sealRow } from './sealing/writing.ts';

type Args = Record<string, unknown>;

/** Operations that answer with rows. */
const ANSWERS: ReadonlySet<string> = new Set([
  'findUnique',
  'findUniqueOrThrow',
  'findFirst',
  'findFirstOrThrow',
  'findMany',
  'create',
  'createManyAndReturn',
  'update',
  'updateManyAndReturn',
  'delete',
]);

const sessions = new WeakMap<OpenContext, Sealed>();

/** What a client needs to seal and open. */
export type Encryption = {
  readonly keys: DataKeyRing;
  /** Constraints of the columns that may hold values in clear (sealing/phase.ts). */
  readonly unsealed: ReadonlySet<string>;
};

/** A running session, with keys of its own that are made when they are asked for: most sessions ask for none. */
class SealedSession implements Sealed {
  readonly context: OpenContext;
  readonly db: Transaction;
  readonly unsealed: ReadonlySet<string>;
  readonly #ring: DataKeyRing;
  #keys: SessionKeys | undefined;

  constructor({ context, db }: ReturnType<typeof runningSession>, { keys, unsealed }: Encryption) {
    this.context = context;
    this.db = db;
    this.unsealed = unsealed;
    this.#ring = keys;
  }

  get keys(): SessionKeys {
    const { tenantId } = this.context;
    this.#keys ??= this.#ring.forSession(tenantId, keyTable(this.db, tenantId));
    return this.#keys;
  }
}

function sealedSession(encryption: Encryption): Sealed {
  const running = runningSession();
  const session = sessions.get(running.context) ?? new SealedSession(running, encryption);
  sessions.set(running.context, session);
  return session;
}

/** The extension that puts this layer around a Prisma client. */
export function sealing(encryption: Encryption) {
  return Prisma.defineExtension({
    name: 'sealing',
    client: {
      /**
       * Rows of a model from raw SQL, with what is encrypted opened, in place. They need, under the names of the columns, what a
       * value is bound to: id, owner_id, and whom it is sealed for.
       */
      async $opened<Raw extends object>(model: ModelName, rows: readonly Raw[]): Promise<readonly Raw[]> {
        try {
          await openRaw(sealedSession(encryption), model, rows as readonly Row[]);
          return rows;
        } catch (error) {
          throw inWords(error);
        }
      },
      /** The same at once, if all keys for it are remembered: then true, and otherwise nothing is opened. */
      $openedAtOnce(model: ModelName, rows: readonly object[]): boolean {
        return openRawAtOnce(sealedSession(encryption), model, rows as readonly Row[]);
      },
    },
    query: {
      $allModels: {
        async $allOperations({ model, operation, args, query }) {
          const session = sealedSession(encryption);
          const run = (final: Args) => query(final as typeof args) as Promise<unknown>;
          try {
            const given = await askable(session, model, (args ?? {}) as Args);
            const planned = ANSWERS.has(operation) ? planRead(model, given) : undefined;
            const result = await write(session, model, operation, planned?.args ?? given, run);
            return planned === undefined ? result : await openResult(session, planned.plan, result);
          } catch (error) {
            throw inWords(error);
          }
        },
      },
    },
  });
}

/** Runs an operation with what it writes sealed. */
async function write(
  session: Sealed,
  model: ModelName,
  operation: string,
  args: Args,
  run: (args: Args) => Promise<unknown>,
): Promise<unknown> {
  switch (operation) {
    case 'create':
      return run({ ...args, data: await sealRow(session, model, args.data as Args) });
    case 'createMany':
    case 'createManyAndReturn': {
      const rows = [args.data].flat() as Args[];
      return run({ ...args, data: await Promise.all(rows.map((row) => sealRow(session, model, row))) });
    }
    case 'update':
    case 'updateMany':
    case 'updateManyAndReturn':
      return changeSealed(session, model, operation, args, run);
    default:
      return run(args);
  }
}

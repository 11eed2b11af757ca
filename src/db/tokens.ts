// What the token service keeps, as the kernel's functions offer it (prisma/policies/04-tokens.sql). A session is started by its
// subject in its own context; everything else is the server's own work, in the context of the identity service.
//
// Knows neither OAuth nor a single token: digests, marks and wrapped keys only.

import type { DelegationId, EntityId, KeyId, TenantId } from '../ids.ts';
import type { Transaction } from './client.ts';
import { type Database, type ServiceSession, withService } from './session.ts';

/** Why a session may not be started; the words are bailiwick.start_session's. */
export type SessionRefusal = 'authority' | 'capabilities' | 'lifetime';

/** A client or session that is good right now. */
export type LiveCredential = {
  readonly id: KeyId;
  /** Slug of the tenant. */
  readonly tenant: string;
  readonly tenantId: TenantId;
  readonly kind: 'client' | 'session';
  /** Whom it identifies. */
  readonly entityId: EntityId;
  readonly label: string;
  /** kind:verb; the most that it allows. */
  readonly capabilities: readonly string[];
  /** The one delegation under which it works, if any. */
  readonly delegationId: DelegationId | null;
  /** Of a client: the key that it signs with. */
  readonly publicKey: JsonWebKey | null;
  readonly expiresAt: Date;
};

/** A key that signs tokens; its private half as it is kept, wrapped. */
export type StoredSigningKey = {
  readonly kid: string;
  readonly algorithm: 'RS256' | 'ES256';
  readonly publicKey: JsonWebKey;
  readonly privateKey: Uint8Array;
  /** From when on it signs, until the next one of its algorithm does. */
  readonly activeAt: Date;
};

/** Starts a session of whoever the transaction's context is, or says why not. */
export async function startSession(
  db: Transaction,
  session: {
    readonly id: KeyId;
    readonly label: string;
    readonly capabilities: readonly string[];
    readonly expiresAt: Date;
  },
): Promise<SessionRefusal | null> {
  const [row] = await db.$queryRaw<{ refusal: SessionRefusal | null }[]>`
    select bailiwick.start_session(
      ${session.id}::uuid, ${session.label}, ${[...session.capabilities]}::text[], ${session.expiresAt}::timestamptz) as refusal`;
  return row?.refusal ?? null;
}

export type TokenStore = ReturnType<typeof tokenStore>;

/** The token service's part of the database. Each call is a transaction of its own. */
export function tokenStore(database: Database) {
  const read = <Result>(work: (db: ServiceSession) => Promise<Result>) =>
    withService(database, 'identity', { readOnly: true }, work);
  const write = <Result>(work: (db: ServiceSession) => Promise<Result>) =>
    withService(database, 'identity', { readOnly: false }, work);
  return {
    /** A client or session that is good right now; undefined for any other, and for an API key. */
    async credential(tenant: string, id: KeyId): Promise<LiveCredential | undefined> {
      const [row] = await read(
        (db) =>
          db.$queryRaw<{ found: (Omit<LiveCredential, 'expiresAt'> & { expiresAt: number }) | null }[]>`
            select bailiwick.credential_of(${tenant}, ${id}::uuid) as found`,
      );
      const found = row?.found;
      return found == null
        ? undefined
        : { ...found, id, tenant, expiresAt: new Date(found.expiresAt * 1000) };
    },

    async endSession(tenantId: TenantId, id: KeyId): Promise<void> {
      await write((db) => db.$queryRaw`select bailiwick.end_session(${tenantId}::uuid, ${id}::uuid)::text`);
    },

    /** Keeps what a refresh token stands for. `digest`: SHA-256 of the token, in hexadecimal. */
    async keepRefresh(digest: string, payload: object, expiresAt: Date): Promise<void> {
      await write(
        (db) => db.$queryRaw`
          select bailiwick.keep_refresh(
            ${digest}, ${JSON.stringify(payload)}::jsonb, ${expiresAt}::timestamptz)::text`,
      );
    },

    /** What was kept, with `consumed` (seconds since the epoch) when it was used. */
    async findRefresh(digest: string): Promise<Record<string, unknown> | undefined> {
      const [row] = await read(
        (db) =>
          db.$queryRaw<{ found: Record<string, unknown> | null }[]>`
            select bailiwick.find_refresh(${digest}) as found`,
      );
      return row?.found ?? undefined;
    },

    /** Uses it up; whether it was this call that did. */
    async useRefresh(digest: string): Promise<boolean> {
      const [row] = await write(
        (db) => db.$queryRaw<{ used: boolean }[]>`select bailiwick.use_refresh(${digest}) as used`,
      );
      return row?.used === true;
    },

    /** Remembers a mark (SHA-256 in hexadecimal) until then; whether it was unknown. */
    async spend(mark: string, until: Date): Promise<boolean> {
      const [row] = await write(
        (db) =>
          db.$queryRaw<{ first: boolean }[]>`
            select bailiwick.spend(${mark}, ${until}::timestamptz) as first`,
      );
      return row?.first === true;
    },

    /** All keys that ever signed here and were not removed, the oldest first. */
    async signingKeys(): Promise<StoredSigningKey[]> {
      type Row = Omit<StoredSigningKey, 'privateKey' | 'activeAt'> & { privateKey: string; activeAt: number };
      const [row] = await read(
        (db) => db.$queryRaw<{ keys: Row[] }[]>`select bailiwick.signing_keys() as keys`,
      );
      return (row?.keys ?? []).map((key) => ({
        ...key,
        privateKey: Buffer.from(key.privateKey, 'base64'),
        activeAt: new Date(key.activeAt * 1000),
      }));
    },

    /** Adds the key that takes over from `predecessor`; false when another process was quicker. */
    async addSigningKey(key: StoredSigningKey, predecessor: string): Promise<boolean> {
      const [row] = await write(
        (db) => db.$queryRaw<{ added: boolean }[]>`
          select bailiwick.add_signing_key(
            ${key.kid}, ${key.algorithm}, ${JSON.stringify(key.publicKey)}::jsonb, ${Buffer.from(key.privateKey)}::bytea,
            ${key.activeAt}::timestamptz, ${predecessor}) as added`,
      );
      return row?.added === true;
    },
  };
}

/** Remembers used proofs of possession for all processes; fits `ProofMemory` of src/auth/dpop.ts. */
export function proofMemory(database: Database): { first(mark: string, until: Date): Promise<boolean> } {
  const { spend } = tokenStore(database);
  return { first: spend };
}

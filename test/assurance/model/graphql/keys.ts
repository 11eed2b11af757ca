// What the model says of every mutation of credentials: making a key or a client, replacing and ending one, and ending everything
// with which somebody proves who they are. What a new one says of itself is part of the outcome: whom it identifies, the
// delegation to which it is bound, the key that it took over from. The keys themselves are drawn by the server, and nobody here
// looks at them.

import {
  keysOf,
  type NewKey,
  nameOfKey,
  nameOfRotation,
  type Rotation,
  rotationsOf,
} from '../../../../src/assurance/keys.ts';
import { personOf } from '../../../../src/assurance/rows.ts';
import type { Principal } from '../../../../src/assurance/world.ts';
import { SCOPES } from '../../../../src/capabilities.ts';
import { PUBLIC_KEY } from '../../../api/attempts.ts';
import { issueRefusal, mayEndKeysOf, rotationRefusal } from '../keys.ts';
import { isPerson } from '../rules.ts';
import {
  BAD_INPUT,
  changed,
  FORBIDDEN,
  globalId,
  namesOf,
  type Scene,
  seesNew,
  type Tried,
} from './scene.ts';

const DAY = 86_400;
/** What is no lifetime at all; which lifetimes are too long is a rule. */
const isLifetime = (seconds: number) => seconds >= 60 && seconds <= 366 * DAY;
const isHolder = (name: string): name is Principal => /^[ua]/.test(name);
const holderId = (name: string) =>
  globalId(!isHolder(name) ? 'World' : isPerson(name) ? 'User' : 'Agent', name);
const known: ReadonlySet<string> = new Set(SCOPES);

/** What is said of a key or client that was made by whoever can see it; nothing is kept where that is nobody. */
function issued(
  scene: Scene,
  type: 'IssuedApiKey' | 'RegisteredClient',
  entity: string,
  pinned: number | null,
  replaced: readonly string[],
): string {
  const owner = personOf(scene.a.tenant, entity as Principal);
  return seesNew(scene, 'credentials', { owner })
    ? [type, entity, ...(pinned === null ? [] : [`d${pinned}`]), ...replaced].join(' ')
    : FORBIDDEN;
}

/** A way of making a credential, and its own part of the input. */
type Making = { readonly type: 'IssuedApiKey' | 'RegisteredClient'; readonly own: object };

const CREATING: Making = { type: 'IssuedApiKey', own: {} };
const REGISTERING: Making = { type: 'RegisteredClient', own: { publicKey: PUBLIC_KEY } };

function making(scene: Scene, { type }: Making, wanted: NewKey): string {
  const { entity, capabilities, pinned, ends } = wanted;
  const words = capabilities.length > 0 && capabilities.every((one) => known.has(one));
  if (!words || !isLifetime(ends) || !isHolder(entity)) {
    return BAD_INPUT;
  }
  const refusal = issueRefusal(scene.a, wanted);
  return refusal === undefined
    ? issued(scene, type, entity, pinned, [])
    : `CredentialRefused ${refusal.toUpperCase()}`;
}

function made(scene: Scene, how: Making): Tried[] {
  // not those that end about when the key does with which they are asked for: here time passes between a world and a request
  const own = scene.a.key?.ends;
  const wanted = keysOf(scene.a.tenant, scene.asker).filter(
    ({ ends }) => own === undefined || Math.abs(ends - own) > 600,
  );
  const tried = (what: string, one: NewKey, holder: object): Tried => ({
    what,
    input: {
      label: 'new',
      capabilities: one.capabilities,
      ...holder,
      ...(one.pinned === null ? {} : { delegationId: globalId('Delegation', `d${one.pinned}`) }),
      lifetimeSeconds: one.ends,
      ...how.own,
    },
    outcome: making(scene, how, one),
    changes: ['+credentials'],
  });
  return [
    // whoever says nothing means the actor, also where it acts for somebody else
    ...wanted.slice(0, 1).map((one) => tried(`unsaid ${nameOfKey(one)}`, one, {})),
    ...wanted.map((one) => tried(nameOfKey(one), one, { holderId: holderId(one.entity) })),
    // of another tenant, or of nobody
    ...namesOf(scene.world, 'Delegation')
      .filter((name) => scene.a.tenant.delegations[Number(name.slice(1))] === undefined)
      .flatMap((name) =>
        wanted.slice(0, 1).map((one) => {
          const bound = { ...one, pinned: Number(name.slice(1)) };
          return tried(nameOfKey(bound), bound, {});
        }),
      ),
  ];
}

const createApiKey = (scene: Scene) => made(scene, CREATING);

/** Keys that no client can have: a private one, one with something of another's private half, a secret. */
const UNFIT: Readonly<Record<string, object>> = {
  private: { ...PUBLIC_KEY, d: PUBLIC_KEY.x },
  'half private': { ...PUBLIC_KEY, p: 'AQAB' },
  secret: { kty: 'oct', k: 'c2VjcmV0' },
};

function registerClient(scene: Scene): Tried[] {
  const all = made(scene, REGISTERING);
  // the key is looked at first, whatever else stands against it
  const unfit = [...all.slice(0, 1), ...all.slice(1).slice(-1)].flatMap((one) =>
    one.outcome === BAD_INPUT
      ? []
      : Object.entries(UNFIT).map(([name, publicKey]) => ({
          ...one,
          what: `${one.what} with a ${name} key`,
          input: { ...one.input, publicKey },
          outcome: 'CredentialRefused PUBLIC_KEY',
        })),
  );
  return [...all, ...unfit];
}

function replacing(scene: Scene, rotation: Rotation): string {
  if (rotation.overlap < 0 || !isLifetime(rotation.ends)) {
    return BAD_INPUT;
  }
  const refusal = rotationRefusal(scene.a, rotation);
  const old = scene.a.tenant.keys[rotation.key];
  if (refusal === 'key' || old === undefined) {
    return 'NotFound';
  }
  return refusal === undefined
    ? issued(scene, 'IssuedApiKey', old.entity, old.pinned, [`k${rotation.key}`])
    : `CredentialRefused ${refusal.toUpperCase()}`;
}

function rotateApiKey(scene: Scene): Tried[] {
  const own = rotationsOf(scene.a.tenant);
  const [like = { ends: 300, overlap: 3600 }] = own;
  const elsewhere = namesOf(scene.world, 'Credential')
    .map((name) => Number(name.slice(1)))
    .filter((key) => scene.a.tenant.keys[key] === undefined)
    .map((key): Rotation => ({ ...like, key }));
  return [...own, ...elsewhere].map((rotation) => {
    const { key, ends, overlap } = rotation;
    const old = scene.a.tenant.keys[key];
    // it ends at once or after the overlap, but never later than it would have
    const shortened = old !== undefined && (overlap === 0 || old.ends > overlap);
    return {
      what: nameOfRotation(rotation),
      input: { id: globalId('Credential', `k${key}`), overlapSeconds: overlap, lifetimeSeconds: ends },
      outcome: replacing(scene, rotation),
      changes: ['+credentials', ...(shortened ? [changed(scene, 'credentials', `k${key}`)] : [])],
    };
  });
}

function revokeCredential(scene: Scene): Tried[] {
  return namesOf(scene.world, 'Credential').map((name) => {
    const key = scene.a.tenant.keys[Number(name.slice(1))];
    const may = key !== undefined && mayEndKeysOf(scene.a, key.entity);
    return {
      what: name,
      input: { id: globalId('Credential', name) },
      outcome: may ? `RevokedCredential ${name}` : 'NotFound',
      changes: key === undefined || key.revoked ? [] : [changed(scene, 'credentials', name)],
    };
  });
}

/** What becomes of the keys of somebody when all of them end: of those that had not. */
export function endedKeysOf(scene: Scene, entity: string): string[] {
  return scene.a.tenant.keys.flatMap((key, n) =>
    key.entity === entity && !key.revoked ? [changed(scene, 'credentials', `k${n}`)] : [],
  );
}

function endCredentials(scene: Scene): Tried[] {
  const names = [...namesOf(scene.world, 'User'), ...namesOf(scene.world, 'Agent')];
  return names.map((name) => ({
    what: name,
    input: { holderId: holderId(name) },
    outcome: mayEndKeysOf(scene.a, name) ? `EndedCredentials ${name}` : 'NotFound',
    changes: [changed(scene, 'entities', name), ...endedKeysOf(scene, name)],
  }));
}

export const OF_KEYS = { createApiKey, registerClient, rotateApiKey, revokeCredential, endCredentials };

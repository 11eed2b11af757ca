// Who listens by what they may hear of: an owner, whoever is a party, a world. One notification then costs as much as it concerns
// listeners, however many there are.

import type { Kind } from '../db/events.ts';
import type { Heard } from '../db/listener.ts';

type Listener = { readonly kind: Kind; readonly who: { readonly tenantId: string } };

export class Concerned<L extends Listener> {
  readonly #listeners = new Map<string, Set<L>>();
  /** The ids under which each stands. */
  readonly #ids = new Map<L, ReadonlySet<string>>();

  /** Puts a listener under these ids and no others. */
  put(listener: L, ids: readonly string[]): void {
    const before = this.#ids.get(listener);
    const now = new Set(ids);
    if (before !== undefined && before.size === now.size && now.isSubsetOf(before)) {
      return;
    }
    this.remove(listener);
    this.#ids.set(listener, now);
    for (const id of now) {
      const key = keyOf(listener.kind, listener.who.tenantId, id);
      const others = this.#listeners.get(key) ?? new Set();
      this.#listeners.set(key, others.add(listener));
    }
  }

  remove(listener: L): void {
    for (const id of this.#ids.get(listener) ?? []) {
      const key = keyOf(listener.kind, listener.who.tenantId, id);
      const others = this.#listeners.get(key);
      others?.delete(listener);
      if (others?.size === 0) {
        this.#listeners.delete(key);
      }
    }
    this.#ids.delete(listener);
  }

  /** Those whom something may concern, each once. */
  by({ kind, tenantId, concerned }: Heard): ReadonlySet<L> {
    return new Set(concerned.flatMap((id) => [...(this.#listeners.get(keyOf(kind, tenantId, id)) ?? [])]));
  }
}

const keyOf = (kind: Kind, tenantId: string, id: string) => `${kind} ${tenantId} ${id}`;

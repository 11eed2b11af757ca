// The key hierarchy of this installation: its key provider, its erasure secrets, and the ring that remembers open keys.

import type { Config } from './config.ts';
import { erasureStore } from './crypto/erasure.ts';
import type { Roots } from './crypto/hierarchy.ts';
import { openKeyProviders } from './crypto/providers.ts';

/**
 * What everything encrypted here hangs on. A server and a command of the same installation open the same.
 *
 * @throws {PostureError} when a provider is not configured, or its keys are readable by others.
 */
export async function openRoots({ keys }: Pick<Config, 'keys'>): Promise<Roots> {
  const provider = await openKeyProviders(keys);
  return { provider, erasure: keys.erasureDir === undefined ? undefined : erasureStore(keys.erasureDir) };
}

// The provider whose keys lie in a file: which files it does not trust, what several processes do to one, and how keys take turns.
//
// On real files, and with processes of their own where processes are meant. Not tested: a machine that fails while it writes.

import { execFile } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { newKey } from '../../src/crypto/primitives.ts';
import { keyIdOf } from '../../src/crypto/provider.ts';
import { openLocalProvider } from '../../src/crypto/providers/local.ts';
import { loadSecret } from '../../src/secret.ts';
import { outcome, REFUSED, shown } from './refusals.ts';

const BINDING = { tenant: 'acme', purpose: 'fields' };

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'bailiwick-keys-'));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
}

/** A key file with this text. */
function fileOf(content: string, mode = 0o600): string {
  const file = join(folder(), 'kek.key');
  writeFileSync(file, content, { mode });
  chmodSync(file, mode);
  return file;
}

const line = () => newKey().toString('base64url');
const lines = (file: string) => readFileSync(file, 'utf8').trim().split('\n');

test.each(['640', '620', '604', '602', '644'])(
  'a file of mode %s is refused, with the remedy',
  async (mode) => {
    const content = line();
    const file = fileOf(content, Number.parseInt(mode, 8));
    const error = await outcome(openLocalProvider(file));
    expect(error).toMatchObject({
      name: 'PostureError',
      findings: [expect.stringContaining(`chmod 600 ${file}`)],
    });
    expect(shown(error)).not.toContain(content);
  },
);

test.each([
  ['that is empty', () => '', /empty/],
  ['with nothing but line ends', () => '\n\n', /empty/],
  ['with a key of 31 bytes', () => newKey().subarray(1).toString('base64url'), /line 1/],
  ['with a key of 33 bytes', () => Buffer.alloc(33, 7).toString('base64url'), /line 1/],
  ['with a key in hex', () => newKey().toString('hex'), /line 1/],
  ['with a key in base64 with padding', () => `${line()}=`, /line 1/],
  // the last character of 32 bytes ends in two bits without meaning: A and B are the same key
  ['with another spelling of a key', () => `${'A'.repeat(42)}B`, /line 1/],
  ['with a bad line behind a good one', () => `${line()}\nnonsense\n`, /line 2/],
  ['with an empty line between keys', () => `${line()}\n\n${line()}\n`, /line 2/],
])('a file %s is refused, and its contents are not shown', async (_, content, finding) => {
  const text = content();
  const error = await outcome(openLocalProvider(fileOf(text)));
  expect(error).toMatchObject({ name: 'PostureError', findings: [expect.stringMatching(finding)] });
  for (const each of text.split('\n').filter((part) => part !== '')) {
    expect(shown(error)).not.toContain(each);
  }
});

test('a folder and a pipe are no key files, and nobody waits for them', async () => {
  const made = folder();
  const pipe = join(made, 'pipe');
  await promisify(execFile)('mkfifo', ['-m', '600', pipe]);
  for (const path of [made, pipe]) {
    await expect(openLocalProvider(path)).rejects.toMatchObject({ findings: ['it is not a regular file'] });
  }
});

test('another binding and another key do not open it', async () => {
  const provider = await openLocalProvider(fileOf(line()));
  const wrapped = await provider.wrap(newKey(), BINDING);
  for (const binding of [{ ...BINDING, tenant: 'other' }, { tenant: 'acme' }, {}]) {
    await expect(provider.unwrap(wrapped, binding)).rejects.toMatchObject(REFUSED);
  }
  const other = await openLocalProvider(fileOf(line()));
  await expect(other.unwrap(wrapped, BINDING)).rejects.toMatchObject(REFUSED);
});

test('a change of any character of a wrapped key is refused, and shown nowhere', async () => {
  const secret = line();
  const provider = await openLocalProvider(fileOf(secret));
  const key = newKey();
  const wrapped = await provider.wrap(key, BINDING);
  for (let at = 0; at < wrapped.length; at += 1) {
    const altered = wrapped.slice(0, at) + (wrapped[at] === 'B' ? 'C' : 'B') + wrapped.slice(at + 1);
    const error = await outcome(provider.unwrap(altered, BINDING));
    expect(error).toMatchObject(REFUSED);
    const told = shown(error);
    for (const hidden of [secret, key.toString('base64url'), altered, altered.split(':')[2] ?? altered]) {
      expect(told).not.toContain(hidden);
    }
  }
});

test('a second change of the keys is refused while one is under way, and a lock left over is named', async () => {
  const file = fileOf(line());
  const provider = await openLocalProvider(file);
  writeFileSync(`${file}.lock`, '');
  for (const change of [() => provider.rotate(), () => provider.prune(new Set())]) {
    await expect(change()).rejects.toMatchObject({
      ...REFUSED,
      message: expect.stringContaining(`${file}.lock is there since`),
    });
  }
  expect(lines(file)).toHaveLength(1);

  rmSync(`${file}.lock`);
  const both = await Promise.allSettled([provider.rotate(), (await openLocalProvider(file)).rotate()]);
  const done = both.filter(({ status }) => status === 'fulfilled').length;
  expect(done).toBeGreaterThan(0);
  expect(lines(file)).toHaveLength(1 + done);
  expect(existsSync(`${file}.lock`)).toBe(false);
});

test('a file that vanishes is not replaced by another one, and what is known still opens', async () => {
  const file = fileOf(line());
  const provider = await openLocalProvider(file);
  const key = newKey();
  const wrapped = await provider.wrap(key, BINDING);
  rmSync(file);
  await expect(provider.wrap(key, BINDING)).rejects.toMatchObject(REFUSED);
  await expect(provider.rotate()).rejects.toMatchObject(REFUSED);
  expect(existsSync(file)).toBe(false);
  expect(await provider.unwrap(wrapped, BINDING)).toEqual(key);
});

test('a file that others may read by now does not wrap any more, and the refusal says why', async () => {
  const file = fileOf(line());
  const provider = await openLocalProvider(file);
  chmodSync(file, 0o644);
  const error = await outcome(provider.wrap(newKey(), BINDING));
  expect(error).toMatchObject({ ...REFUSED, cause: { name: 'PostureError' } });
  expect(shown(error)).toContain(`chmod 600 ${file}`);
});

test('made-up key ids cost one reading of the file a second, and no more', async () => {
  const file = fileOf(line());
  let now = 0;
  const provider = await openLocalProvider(file, { now: () => now });
  const known = await provider.wrap(newKey(), BINDING);
  const unknown = known.replace(/:[0-9a-f]{16}:/, ':0123456789abcdef:');
  await expect(provider.unwrap(unknown, BINDING)).rejects.toMatchObject(REFUSED);

  const elsewhere = await openLocalProvider(file);
  await elsewhere.rotate();
  const key = newKey();
  const fresh = await elsewhere.wrap(key, BINDING);
  now = 999;
  await expect(provider.unwrap(fresh, BINDING)).rejects.toMatchObject(REFUSED);
  now = 1_000;
  expect(await Promise.all([1, 2, 3].map(() => provider.unwrap(fresh, BINDING)))).toEqual([key, key, key]);
});

test('pruning never takes the current key, nor one that is to be kept; what it takes is gone', async () => {
  const file = fileOf(line());
  const provider = await openLocalProvider(file);
  const key = newKey();
  const first = await provider.wrap(key, BINDING);
  const second = await provider.rotate();
  const kept = await provider.wrap(key, BINDING);
  const third = await provider.rotate();

  expect(await provider.prune(new Set([second]))).toEqual([keyIdOf(first)]);
  expect(lines(file)).toHaveLength(2);
  expect(await provider.unwrap(kept, BINDING)).toEqual(key);
  await expect(provider.unwrap(first, BINDING)).rejects.toMatchObject(REFUSED);
  expect(await provider.prune(new Set())).toEqual([second]);
  expect(await provider.current()).toBe(third);
  expect(await provider.prune(new Set())).toEqual([]);
});

test('a running process does not wrap under a key that another one has replaced', async () => {
  const file = fileOf(line());
  const [server, operator] = await Promise.all([openLocalProvider(file), openLocalProvider(file)]);
  const rotated = await operator.rotate();
  expect(await server.current()).toBe(rotated);
  expect(keyIdOf(await server.wrap(newKey(), BINDING))).toBe(rotated);
});

test('nothing is made before it is needed; then the file is its owner’s alone, in folders that were not there', async () => {
  const made = folder();
  const file = join(made, 'a', 'b', 'kek.key');
  const provider = await openLocalProvider(file);
  const wrapped = (await (await openLocalProvider(fileOf(line()))).wrap(newKey(), BINDING)) ?? '';
  await expect(provider.unwrap(wrapped, BINDING)).rejects.toMatchObject(REFUSED);
  expect(readdirSync(made)).toEqual([]);

  await provider.current();
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(made, 'a', 'b'))).toEqual(['kek.key']);
});

test('a file that another process made in the meantime is not replaced', async () => {
  const made = folder();
  const file = join(made, 'kek.key');
  const current = (await openLocalProvider(file)).current();
  while (!readdirSync(made).some((name) => name.endsWith('.new'))) {
    await setImmediate();
  }
  const theirs = line();
  writeFileSync(file, theirs, { mode: 0o600 });
  expect(await current).toBe(await (await openLocalProvider(file)).current());
  expect(lines(file)).toEqual([theirs]);
  expect(readdirSync(made)).toEqual(['kek.key']);
});

test('many that make the file at once end up with one key', async () => {
  const file = join(folder(), 'kek.key');
  const providers = await Promise.all(Array.from({ length: 20 }, () => openLocalProvider(file)));
  const ids = await Promise.all(providers.map((provider) => provider.current()));
  expect(new Set(ids).size).toBe(1);
  expect(lines(file)).toHaveLength(1);
});

test('processes of their own that make the file at once end up with one key', async () => {
  const made = folder();
  const module = new URL('../../src/crypto/providers/local.ts', import.meta.url);
  const script = `import { openLocalProvider } from ${JSON.stringify(module)};
    process.stdout.write(await (await openLocalProvider(process.argv[1])).current());`;
  const runs = Array.from({ length: 3 }, () =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, join(made, 'kek.key')]),
  );
  const ids = (await Promise.all(runs)).map(({ stdout }) => stdout);
  expect(ids[0]).toMatch(/^local:[0-9a-f]{16}$/);
  expect(new Set(ids).size).toBe(1);
  expect(readdirSync(made)).toEqual(['kek.key']);
});

test('the file that this server has made so far works unchanged', async () => {
  const made = folder();
  loadSecret(undefined, made, 'kek.key');
  const file = join(made, 'kek.key');
  const before = readFileSync(file, 'utf8');
  const provider = await openLocalProvider(file);
  const key = newKey();
  const wrapped = await provider.wrap(key, BINDING);
  expect(wrapped).toMatch(/^local:[0-9a-f]{16}:[\w-]+$/);
  expect(await (await openLocalProvider(file)).unwrap(wrapped, BINDING)).toEqual(key);
  expect(readFileSync(file, 'utf8')).toBe(before);
});

test('after a rotation the new key wraps, the old one still opens, and the file is as private as before', async () => {
  const made = folder();
  const file = join(made, 'real.key');
  const name = join(made, 'kek.key');
  writeFileSync(file, line(), { mode: 0o600 });
  symlinkSync(file, name);
  const provider = await openLocalProvider(name);
  const key = newKey();
  const old = await provider.wrap(key, BINDING);
  const [first] = lines(file);

  const rotated = await provider.rotate();
  expect(rotated).toBe(await provider.current());
  expect(keyIdOf(old)).not.toBe(rotated);
  expect(await provider.unwrap(old, BINDING)).toEqual(key);
  expect(keyIdOf(await provider.wrap(key, BINDING))).toBe(rotated);
  expect(lines(file)).toEqual([first, expect.stringMatching(/^[\w-]{43}$/)]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(made).sort()).toEqual(['kek.key', 'real.key']);
});

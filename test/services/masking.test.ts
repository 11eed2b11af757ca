// Masking: in whatever usual spelling a service sends a secret back, it is not in what the caller gets.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { masked } from '../../src/services/masking.ts';

const secrets = fc.stringMatching(/^[\x21-\x7e]{8,60}$/);
const around = fc.string({ maxLength: 20 });

const spelled: readonly (readonly [name: string, spell: (text: string) => string])[] = [
  ['as it is', (text) => text],
  ['in JSON', (text) => JSON.stringify(text)],
  ['in a URL', (text) => encodeURIComponent(text)],
  ['in a form', (text) => new URLSearchParams({ a: text }).toString()],
  ['in base64', (text) => Buffer.from(text).toString('base64')],
  ['in base64url', (text) => Buffer.from(text).toString('base64url')],
  ['in hexadecimal', (text) => Buffer.from(text).toString('hex')],
];

test.each(spelled)('a secret that comes back %s is masked, wherever in the text', (_, spell) => {
  fc.assert(
    fc.property(secrets, around, around, (secret, before, after) => {
      const text = spell(`${before}${secret}${after}`);
      const rest = masked(text, secret);
      expect(rest).toContain('[secret]');
      for (const [, other] of spelled) {
        expect(rest).not.toContain(other(secret));
      }
    }),
  );
});

test('what is cut off in the middle of a secret ends before it', () => {
  const secret = 'ghp_0123456789abcdef';
  for (let kept = 1; kept < secret.length; kept++) {
    expect(masked(`${'x'.repeat(200)} ${secret.slice(0, kept)}`, secret, true)).not.toContain('ghp_');
  }
  expect(masked('short', secret, true)).toBe('');
});

test('a text without the secret stays as it is', () => {
  expect(masked('{"issues":[1,2]}', 'ghp_0123456789abcdef')).toBe('{"issues":[1,2]}');
});

// The GraphiQL page for browsers in development: GraphiQL itself, below a bar that picks the demo identity who asks.
//
// GraphiQL comes from @graphql-yoga/render-graphiql: one package without dependencies, released with Yoga, that holds
// GraphiQL 5, its fonts and its workers as text, so that the page asks no other host for anything. (`graphiql` itself
// needs React, Monaco and a bundler; Yoga's built-in page loads everything from unpkg.com.) The text is 9 MB and takes
// about 0.2 s to import, hence only when the first page is viewed. The policy below names the hash of the one inline
// script that may run, bar.js and client.js; the rest is data, which it unpacks. Decides nothing, and holds no token.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

export type PageOptions = {
  /** Path of the GraphQL endpoint. */
  readonly endpoint: string;
  /** Path that answers a `Demo` (story.ts). */
  readonly identitiesUrl: string;
};

const ICON =
  "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'><path d='M12 2 21 6v6c0 5-4 8.5-9 10-5-1.5-9-5-9-10V6z' fill='#4f46e5'/><path d='m8 12 3 3 5.5-6' fill='none' stroke='#fff' stroke-width='2.2' stroke-linecap='round' stroke-linejoin='round'/></svg>";

// a browser hashes a script as its parser leaves it: with LF only, and up to the first end tag
const script = [source('bar.js'), source('client.js')]
  .join('')
  .replaceAll('\r\n', '\n')
  .replaceAll(/<(?=\/script|!--)/gi, '\\x3c');
const styles = source('client.css');

/** Headers of the page, `Content-Type` included. They allow what the page needs and nothing from elsewhere. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'Content-Type': 'text/html; charset=utf-8',
  'Content-Security-Policy': [
    "default-src 'none'",
    // blob: is GraphiQL, which client.js unpacks from the page; only script that already runs can make a blob
    `script-src 'sha256-${createHash('sha256').update(script).digest('base64')}' blob:`,
    'worker-src blob:',
    // the Monaco editor makes its style elements as it goes
    "style-src 'unsafe-inline'",
    'img-src data:',
    'font-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
};

let graphiql: Promise<string> | undefined;

export async function renderPage(options: PageOptions): Promise<string> {
  graphiql ??= packGraphiQL();
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>GraphiQL - Bailiwick</title>
<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(ICON)}">
<style>${asStyle(styles)}</style>
</head>
<body>
<header id="bar">
<div class="line">
<strong class="name">Bailiwick</strong>
<label for="identity">Acting as</label>
<select id="identity" autocomplete="off" disabled><option>Loading...</option></select>
<span id="tenant" class="chip" hidden></span>
<span id="who"></span>
<span id="delegation" class="chip" hidden></span>
<button id="restart" type="button" title="Opens the prepared tabs anew; other tabs are closed" hidden>Restart story</button>
</div>
<div class="line">
<p id="note" role="status">Loading GraphiQL...</p>
<span id="status" class="chip bad" role="status" hidden></span>
<span id="own" class="chip" hidden></span>
<span id="request" hidden>X-Request-Id <code></code></span>
</div>
</header>
<main id="root"></main>
<noscript>GraphiQL needs JavaScript.</noscript>
${dataBlock('config', options)}
${await graphiql}
<script>${script}</script>
</body>
</html>
`;
}

async function packGraphiQL(): Promise<string> {
  const { css, editorWorkerService, graphqlWorker, js, jsonWorker } = await import(
    '@graphql-yoga/render-graphiql/graphiql'
  );
  return [
    `<style>${asStyle(css)}</style>`,
    dataBlock('graphiql', js),
    dataBlock('worker-editorWorkerService', editorWorkerService),
    dataBlock('worker-graphql', graphqlWorker),
    dataBlock('worker-json', jsonWorker),
  ].join('\n');
}

/** JSON that the browser does not run. Without `<` nothing in it can end the element or open a comment. */
function dataBlock(id: string, value: unknown): string {
  return `<script type="application/json" id="${id}">${JSON.stringify(value).replaceAll('<', '\\u003c')}</script>`;
}

function asStyle(css: string): string {
  return css.replaceAll(/<(?=\/style|!--)/gi, '\\3c ');
}

function source(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8');
}

// The services that the demo's credentials are for, as they answer: in the server's own process, because they exist nowhere else.
//
// The tracker keeps what it is told until the server ends, and tells with which secret it was asked, so that one can see that the
// answer comes back without it.

import type { Outgoing, OutgoingRequest } from '../outgoing/call.ts';
import { SERVICES, TRACKER } from './services.ts';

/** Issues that the tracker keeps. */
const MOST = 100;

type Issue = { readonly number: number; readonly bed: string; readonly title: string };

/** Origin -> what answers there. */
export function demoServices(): ReadonlyMap<string, Outgoing> {
  const issues: Issue[] = [
    { number: 1, bed: 'lower', title: 'The water butt leaks' },
    { number: 2, bed: 'lower', title: 'Who has the long ladder?' },
    { number: 3, bed: 'upper', title: 'Slugs again' },
  ];
  return new Map([[TRACKER, async (request) => tracker(request, issues)]]);
}

function tracker({ method, url, headers, body }: OutgoingRequest, issues: Issue[]) {
  const asked = headers.authorization;
  if (asked !== `Bearer ${SERVICES.tracker.secret}`) {
    return answer(401, { error: 'unknown token' });
  }
  const [, bed] = /^\/beds\/([^/]+)\/issues$/.exec(decodeURIComponent(url.pathname)) ?? [];
  if (bed === undefined) {
    return answer(404, { error: 'no such bed' });
  }
  if (method === 'GET') {
    return answer(200, { asked, issues: issues.filter((issue) => issue.bed === bed) });
  }
  const { title } = JSON.parse(body ?? '{}') as { title?: unknown };
  if (typeof title !== 'string' || title === '' || issues.length >= MOST) {
    return answer(422, { error: `an issue has a title, and there are at most ${MOST}` });
  }
  const issue = { number: issues.length + 1, bed, title: title.slice(0, 200) };
  issues.push(issue);
  return answer(201, { asked, issue });
}

function answer(status: number, body: object) {
  return { status, contentType: 'application/json', body: JSON.stringify(body), truncated: false };
}

// Snapshots of PostgreSQL, as far as listeners compare them: `xmin:xmax:xip_list`, which names the transactions that it sees.

type Snapshot = { readonly xmin: bigint; readonly xmax: bigint; readonly running: ReadonlySet<bigint> };

function parse(text: string): Snapshot {
  const [xmin = '0', xmax = '0', list = ''] = text.split(':');
  return {
    xmin: BigInt(xmin),
    xmax: BigInt(xmax),
    running: new Set(list === '' ? [] : list.split(',').map(BigInt)),
  };
}

/** Says which transactions are visible in a snapshot, as pg_visible_in_snapshot() does. */
export function seeing(snapshot: string): (xid: string) => boolean {
  const { xmin, xmax, running } = parse(snapshot);
  return (xid) => {
    const id = BigInt(xid);
    return id < xmin || (id < xmax && !running.has(id));
  };
}

/** The one that was taken first; of one server, whatever that sees the others see too. */
export function oldest(snapshots: readonly string[]): string {
  const [first = '', ...others] = snapshots;
  return others.reduce((old, next) => (isBefore(parse(next), parse(old)) ? next : old), first);
}

function isBefore(a: Snapshot, b: Snapshot): boolean {
  if (a.xmax !== b.xmax) {
    return a.xmax < b.xmax;
  }
  // the same end: whatever has come to its end meanwhile is running in the older one only
  return a.xmin !== b.xmin ? a.xmin < b.xmin : a.running.size > b.running.size;
}

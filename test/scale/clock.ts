// Loaded into a server before anything of its own (`--import`): at each SIGUSR2 a minute has passed for what it remembers for a while.
//
// Moves the clock that never goes back, by which open keys are remembered (lru-cache asks `performance.now()`), and leaves the time of day alone, to
// which tickets and tokens are held by others. So a test need not wait a minute for a real server. Changes nothing else of it.

const MINUTE_MS = 60_000;

const unmoved = performance.now.bind(performance);
let passed = 0;
performance.now = () => unmoved() + passed;

process.on('SIGUSR2', () => {
  passed += MINUTE_MS;
  process.stderr.write('a minute has passed\n');
});

// Ports for nodes that end and come back. They lie below those that systems hand out to outgoing
// connections: else one of these could hold a node's port while the node is down.

import { createServer } from 'node:net';

const FIRST = 20_000;
const PER_WORKER = 3_000;

// Each of Playwright's workers has a range of its own; where in it one begins is left to chance, for
// two runs at a time.
const base = FIRST + (Number(process.env.TEST_PARALLEL_INDEX ?? 0) % 4) * PER_WORKER;
let next = Math.floor(Math.random() * PER_WORKER);

/** That many ports which nothing listens on, each handed out once. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let tried = 0; ports.length < count; tried++) {
    if (tried === PER_WORKER) throw new Error(`No ${count} free ports from ${base} on`);
    const port = base + (next++ % PER_WORKER);
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '0.0.0.0', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

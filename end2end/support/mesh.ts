// A mesh of real nodes on this machine, each told of all the others.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestInfo } from '@playwright/test';
import { type Env, Node } from './node.ts';
import { freePorts } from './ports.ts';

export interface Mesh {
  /** By name. `node(name)` spares the question whether it is there. */
  readonly nodes: Record<string, Node>;
  /** The node of that name; an error where there is none. */
  node(name: string): Node;
  /** Ends every node and removes their data. */
  stop(): Promise<void>;
  /** Adds the log of every node to a test's report. */
  attachLogs(test: TestInfo): Promise<void>;
}

/**
 * Starts a node for each name and waits until all of them answer. They don't know each other yet then:
 * a test that needs links asks for them.
 *
 * `env` is added to every node's environment, or asked for by name: an empty FEDERATED_PEERS makes a
 * node that knows nobody.
 */
export async function startMesh(names: string[], env: Env | ((name: string) => Env) = {}): Promise<Mesh> {
  const folder = await mkdtemp(join(tmpdir(), 'beauty-mesh-'));
  const ports = await freePorts(2 * names.length);
  const places = names.map((name, i) => ({
    name,
    httpPort: ports[2 * i]!,
    p2pPort: ports[2 * i + 1]!,
    dataDir: join(folder, name),
  }));
  const nodes = places.map((place) => {
    const peers = places.filter((other) => other !== place).map((other) => `ws://127.0.0.1:${other.p2pPort}`);
    const asked = typeof env === 'function' ? env(place.name) : env;
    return new Node(place.name, place, { FEDERATED_PEERS: peers.join(','), ...asked });
  });

  const mesh: Mesh = {
    nodes: Object.fromEntries(nodes.map((node) => [node.name, node])),
    node(name) {
      const found = nodes.find((node) => node.name === name);
      if (!found) throw new Error(`No node ${name} in ${names}`);
      return found;
    },
    async stop() {
      try {
        await all(nodes.map((node) => node.stop()));
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
    async attachLogs(test) {
      for (const node of nodes) await test.attach(`${node.name}.log`, { body: node.log, contentType: 'text/plain' });
    },
  };

  try {
    await all(nodes.map((node) => node.start()));
  } catch (error) {
    // What is told is why the mesh did not start, not what ending it brought up.
    await mesh.stop().catch(() => undefined);
    throw error;
  }
  return mesh;
}

/** Waits for every one, then throws the first error: nothing is left running behind it. */
async function all(promises: Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(promises)).find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}

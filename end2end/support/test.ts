// What a spec imports: `import { test, expect } from '../support/test.ts'`.
//
//     test('…', async ({ mesh, page }) => {
//       await mesh.node('alpha').post({ beauty: 0.8 });
//       await page.goto(`${mesh.node('beta').url}/federated/map`);
//     });
//
// `mesh` is three fresh nodes for each test; `test.use({ meshNames: [...], meshEnv: {...} })` asks for
// others. Tests that share one mesh call startMesh in beforeAll and stop it in afterAll.
//
// A page with a mesh that complains in its console fails the test: a policy that is broken, a hydration that doesn't match, whatever was
// thrown. That a node can't be reached is no complaint; what else a test brings about, it names as `mayComplain`.

import { type BrowserContext, test as base, expect } from '@playwright/test';
import { complaints } from './map.ts';
import { type Mesh, startMesh } from './mesh.ts';
import type { Env } from './node.ts';

interface MeshFixtures {
  mesh: Mesh;
  meshNames: string[];
  meshEnv: Env;
  mayComplain: RegExp | undefined;
}

/** The browser's words for what tests do: a node that is not there, a page that nobody has, a look at pixels, a page without JavaScript. */
const OURS =
  /Failed to load resource: net::ERR_|WebSocket connection to .* failed|status of 404.*\/nowhere\)$|willReadFrequently|preloaded using link preload/;

export const test = base.extend<MeshFixtures>({
  meshNames: [['alpha', 'beta', 'gamma'], { option: true }],
  meshEnv: [{}, { option: true }],
  mayComplain: [undefined, { option: true }],
  mesh: async ({ meshNames, meshEnv, mayComplain, browser }, use, testInfo) => {
    const mesh = await startMesh(meshNames, meshEnv);
    const said: string[][] = [];
    const listen = (context: BrowserContext) => context.on('page', (page) => said.push(complaints(page)));
    const began = (context: BrowserContext) => void listen(context);
    browser.contexts().forEach(began);
    browser.on('context', began);
    try {
      await use(mesh);
      expect(said.flat().filter((text) => !OURS.test(text) && !mayComplain?.test(text))).toEqual([]);
    } finally {
      browser.off('context', began);
      // A node that doesn't end fails the test, so its log is wanted too.
      const ended = await mesh.stop().then(() => undefined, (error: unknown) => error ?? 'unknown');
      if (ended !== undefined || testInfo.status !== testInfo.expectedStatus) await mesh.attachLogs(testInfo);
      if (ended !== undefined) throw ended;
    }
  },
});

export { expect } from '@playwright/test';
export { type Mesh, startMesh } from './mesh.ts';
export type { BeautyEvent, Env, Health, Node } from './node.ts';
export { until } from './until.ts';

// What a spec imports: `import { test, expect } from '../support/test.ts'`.
//
//     test('…', async ({ mesh, page }) => {
//       await mesh.node('alpha').post({ beauty: 0.8 });
//       await page.goto(`${mesh.node('beta').url}/federated/map`);
//     });
//
// `mesh` is three fresh nodes for each test; `test.use({ meshNames: [...], meshEnv: {...} })` asks for
// others. Tests that share one mesh call startMesh in beforeAll and stop it in afterAll.

import { test as base } from '@playwright/test';
import { type Mesh, startMesh } from './mesh.ts';
import type { Env } from './node.ts';

interface MeshFixtures {
  mesh: Mesh;
  meshNames: string[];
  meshEnv: Env;
}

export const test = base.extend<MeshFixtures>({
  meshNames: [['alpha', 'beta', 'gamma'], { option: true }],
  meshEnv: [{}, { option: true }],
  mesh: async ({ meshNames, meshEnv }, use, testInfo) => {
    const mesh = await startMesh(meshNames, meshEnv);
    try {
      await use(mesh);
    } finally {
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

// The pictures of the README, of a mesh that lives. Taken only with PICTURES=1, so that other runs leave the tree as it is.

import { join } from 'node:path';
import { repository } from '../support/binary.ts';
import { openLiveMap } from '../support/map.ts';
import { type BeautyEvent, expect, startMesh, test, until } from '../support/test.ts';

const PICTURES = [
  { name: 'map-light', width: 1280, height: 900, colorScheme: 'light' },
  { name: 'map-dark', width: 1280, height: 900, colorScheme: 'dark' },
  { name: 'map-phone', width: 360, height: 740, colorScheme: 'light' },
  { name: 'map-wall', width: 2560, height: 1440, colorScheme: 'dark' },
] as const;

/** Four scores for each 10 s of the last 400 s: a wave, some unrest, and a gap while the node was away. */
function past(phase: number, unrest: number, away: (bucket: number) => boolean): BeautyEvent[] {
  const now = Date.now();
  return Array.from({ length: 40 }, (_, bucket) => bucket)
    .filter((bucket) => !away(bucket))
    .flatMap((bucket) =>
      [0, 1, 2, 3].map((event) => {
        const wave = 0.55 + 0.35 * Math.sin(bucket / 6 + phase);
        const stir = unrest * Math.sin(bucket * 12.9 + event * 78.2);
        const timestamp = now - (40 - bucket) * 10_000 + event * 2_000;
        return { beauty: Math.min(1, Math.max(0, wave + stir)), timestamp, source: 'picture' };
      }),
    );
}

test.skip(process.env.PICTURES !== '1', 'only with PICTURES=1');

const PLACES: Record<string, string> = { alpha: '52.5,13.4', beta: '-33.9,151.2', gamma: '40.7,-74.0', delta: '-0.2,-78.5', epsilon: '35.7,139.7' };

test('a living mesh has its picture taken', async ({ browser }) => {
  test.setTimeout(240_000);
  const mesh = await startMesh(Object.keys(PLACES), (name) => ({ FEDERATED_LOCATION: PLACES[name]! }));
  try {
    await mesh.node('alpha').post(past(0, 0.05, () => false));
    await mesh.node('beta').post(past(2, 0.2, (bucket) => bucket > 11 && bucket < 17));
    await mesh.node('gamma').post(past(4, 0.1, (bucket) => bucket < 6));
    await mesh.node('delta').post(past(1, 0.3, () => false));
    await mesh.node('epsilon').post(past(5, 0.02, (bucket) => bucket % 9 === 4));
    const digests = () => Promise.all(Object.values(mesh.nodes).map((node) => node.digest()));
    await until('all nodes agree', async () => new Set(await digests()).size === 1);
    for (const { name, width, height, colorScheme } of PICTURES) {
      const page = await browser.newPage({ viewport: { width, height }, colorScheme });
      await openLiveMap(page, mesh.node('alpha'));
      await expect(page.getByTestId('heatmap-canvas')).toHaveAttribute('data-rows', '6');
      await expect(page.getByTestId('agreement')).toHaveText('All 4 peers have the same events.', { timeout: 45_000 });
      await expect(page.getByTestId('world').locator('circle')).toHaveCount(5);
      await expect(page.getByTestId('portrait')).toHaveAttribute('data-drawn', /./);
      await page.screenshot({ path: join(repository, 'docs', 'pictures', `${name}.png`), fullPage: true });
      await page.close();
    }
  } finally {
    await mesh.stop();
  }
});

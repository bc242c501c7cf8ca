// The world: where nodes say that they are, as dots over the land and as a list, rounded before anybody hears of it.

import { complaints, openLiveMap } from '../support/map.ts';
import { expect, startMesh, test, until } from '../support/test.ts';

test('nodes that say where they are stand on the map of the world, and in its list', async ({ page }) => {
  const places: Record<string, string> = { alpha: '52.5163,13.3777', beta: '-33.8688,151.2093' };
  const mesh = await startMesh(['alpha', 'beta'], (name) => ({ FEDERATED_LOCATION: places[name]! }));
  try {
    const alpha = mesh.node('alpha');
    await alpha.post({ beauty: 0.625 });
    await until('both places are known', async () => (await alpha.network()).places.length === 2);
    const raw = await (await fetch(`${alpha.url}/federated/network`)).text();
    expect(raw).not.toContain('52.51');
    const said = complaints(page);
    const land = page.waitForResponse(/\/pkg\/land\.[0-9a-f]{16}\.svg$/);
    await openLiveMap(page, alpha);
    expect((await land).headers()['cache-control']).toBe('public, max-age=31536000, immutable');
    const world = page.getByTestId('world');
    await expect(world).toHaveAttribute('aria-label', '2 nodes');
    await expect(world.locator('circle')).toHaveCount(2);
    const [east, north] = await world.locator('circle').evaluateAll((dots) => {
      const at = (name: string) => {
        const dot = dots.find((dot) => dot.textContent === name)!;
        return { x: Number(dot.getAttribute('cx')), y: Number(dot.getAttribute('cy')) };
      };
      return [at('beta').x > at('alpha').x, at('alpha').y < at('beta').y];
    });
    expect([east, north]).toEqual([true, true]);
    await page.getByTestId('places').locator('summary').click();
    await expect(page.getByTestId('places').locator('li')).toHaveText(['alpha: 52.5° N, 13.4° E; 0.625', 'beta: 33.9° S, 151.2° E; —']);
    expect(said).toEqual([]);
    await page.goto(`${alpha.url}/federated/map?lang=ru`);
    await expect(page.getByTestId('places').locator('li').first()).toContainText('52,5° с. ш., 13,4° в. д.');
  } finally {
    await mesh.stop();
  }
});

test('where no node says where it is there is no map, and the land is not fetched', async ({ mesh, page }) => {
  let fetched = 0;
  page.on('request', (request) => (fetched += Number(request.url().includes('/pkg/land.'))));
  await openLiveMap(page, mesh.node('alpha'));
  await expect(page.getByTestId('world')).toBeHidden();
  expect(fetched).toBe(0);
});

// The page that the server renders is the page that the browser takes over.

import { complaints, layoutShift, openLiveMap, state, tile } from '../support/map.ts';
import { expect, test } from '../support/test.ts';

test.use({ meshNames: ['alpha'] });

test('the page is hydrated without a word in the console', async ({ mesh, page }) => {
  const found = complaints(page);
  await mesh.node('alpha').post({ beauty: 0.625 });
  await openLiveMap(page, mesh.node('alpha'));
  await expect(tile(page, 'beauty_avg')).toHaveText('0.625');
  await expect(state(page)).toHaveText(/^Live since \d\d:\d\d:\d\d UTC$/);
  await expect(page).toHaveTitle('alpha · Beauty Mesh');
  expect(found).toEqual([]);
});

test('a page that says it lives answers in all its parts', async ({ mesh, page }) => {
  // At the very moment at which it says so, and not a task later.
  await page.addInitScript(() => {
    const watch = new MutationObserver(() => {
      if (!document.querySelector('.page[data-mode="live"]')) return;
      watch.disconnect();
      const press = (element: Element | null) => element?.dispatchEvent(new MouseEvent('click', { bubbles: true }));
      press(document.querySelector('[data-testid="peers"] th button'));
      window.dispatchEvent(new KeyboardEvent('keydown', { key: '?' }));
    });
    watch.observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-mode'] });
  });
  await openLiveMap(page, mesh.node('alpha'));
  await expect(page.getByTestId('peers').locator('th').first()).toHaveAttribute('aria-sort', 'descending');
  await expect(page.getByTestId('keys')).toHaveAttribute('open', '');
  await expect(page.getByTestId('heatmap-canvas')).toHaveAttribute('width', /^\d{3,}$/);
});

test('nobody else is asked for anything', async ({ mesh, page }) => {
  const asked: string[] = [];
  page.on('request', (request) => asked.push(new URL(request.url()).origin));
  await openLiveMap(page, mesh.node('alpha'));
  expect([...new Set(asked)]).toEqual([mesh.node('alpha').url]);
});

test('nothing moves while the page comes to life', async ({ mesh, page }) => {
  await mesh.node('alpha').post([{ beauty: 0.2 }, { beauty: 0.9 }]);
  const shifted = await layoutShift(page);
  await openLiveMap(page, mesh.node('alpha'));
  await page.getByTestId('heatmap-canvas').hover({ position: { x: 500, y: 20 } });
  await expect(page.getByTestId('heatmap-tooltip')).toBeVisible();
  // The words of the state give way to others; a hundredth of what counts as a good page is left to them.
  expect(await shifted()).toBeLessThan(0.001);
});

test('without events there is nothing, and nothing is not zero', async ({ mesh, page }) => {
  await openLiveMap(page, mesh.node('alpha'));
  for (const field of ['beauty_avg', 'beauty_min', 'beauty_max', 'chaos']) {
    await expect(tile(page, field)).toHaveText('—');
  }
  await expect(tile(page, 'gossip_seen')).toHaveText('0');
  await expect(page.getByTestId('trend')).toHaveText('No events yet.');
});

test('an address without a page says where the map is', async ({ mesh, page }) => {
  const answer = await page.goto(`${mesh.node('alpha').url}/nowhere`);
  expect(answer?.status()).toBe(404);
  await page.getByRole('link', { name: '/federated/map' }).click();
  await expect(state(page)).toHaveAttribute('data-mode', 'live');
});

// Without JavaScript the page is of use: numbers, peers, the heatmap as a table, and a reload every 10 s.

import { bucketStart, state, tile, timeOfDay } from '../support/map.ts';
import { expect, test, until } from '../support/test.ts';

test.use({ javaScriptEnabled: false, meshNames: ['alpha', 'beta'] });

test('numbers, peers and heatmap are in the HTML', async ({ mesh, page }) => {
  const start = bucketStart(Date.now() - 60_000);
  await mesh.node('alpha').post({ beauty: 0.625, timestamp: start });
  await until('beta is a peer', async () => (await mesh.node('alpha').health()).peers === 1);
  await page.goto(`${mesh.node('alpha').url}/federated/map`);
  await expect(tile(page, 'beauty_avg')).toHaveText('0.625');
  await expect(tile(page, 'peers')).toHaveText('1');
  await expect(page.getByTestId('peer-beta')).toBeVisible();
  await expect(page.getByTestId('digest')).toHaveText(await mesh.node('alpha').digest());
  // Nobody claims that the page is live.
  await expect(state(page)).toHaveText(/^Snapshot of \d\d:\d\d:\d\d UTC$/);
  await page.getByText('The same as a table').click();
  await page.getByRole('link', { name: 'Show the table' }).click();
  const row = page.getByTestId('heatmap-table').getByRole('row').filter({ hasText: timeOfDay(start) });
  await expect(row.getByRole('cell').nth(1)).toHaveText('0.625');
});

test('the page reloads itself', async ({ mesh, page }) => {
  await page.goto(`${mesh.node('alpha').url}/federated/map`);
  await expect(tile(page, 'beauty_avg')).toHaveText('—');
  await mesh.node('alpha').post({ beauty: 0.25 });
  await expect(tile(page, 'beauty_avg')).toHaveText('0.250');
});

// Who is there, in which state: sorted as the reader likes, and drawn.

import { openLiveMap } from '../support/map.ts';
import { expect, test, until } from '../support/test.ts';

test('the table is sorted by any column, and back', async ({ mesh, page }) => {
  await until('both are peers', async () => (await mesh.node('alpha').health()).peers === 2);
  await openLiveMap(page, mesh.node('alpha'));
  const names = page.getByTestId('peers').locator('tbody th span:first-child');
  await expect(names).toHaveText(['beta', 'gamma']);
  await page.getByTestId('peers').getByRole('button', { name: 'Name' }).click();
  await expect(names).toHaveText(['gamma', 'beta']);
  await expect(page.getByTestId('peers').getByRole('columnheader', { name: 'Name' })).toHaveAttribute('aria-sort', 'descending');
});

test('a peer that has gone is shown as offline until it is back', async ({ mesh, page }) => {
  await until('both are peers', async () => (await mesh.node('alpha').health()).peers === 2);
  await openLiveMap(page, mesh.node('alpha'));
  await expect(page.getByTestId('peer-beta')).toContainText('Live');
  await mesh.node('beta').stop('SIGKILL');
  await expect(page.getByTestId('gone-beta')).toContainText('Offline');
  await mesh.node('beta').start();
  await expect(page.getByTestId('peer-beta')).toBeVisible({ timeout: 30_000 });
  await expect(page.getByTestId('gone-beta')).toHaveCount(0);
});

test('the graph has every node in its place, wherever it is drawn', async ({ mesh, page, context }) => {
  await until('both are peers', async () => (await mesh.node('alpha').health()).peers === 2);
  await until('both are peers', async () => (await mesh.node('beta').health()).peers === 2);
  await openLiveMap(page, mesh.node('alpha'));
  const other = await context.newPage();
  await openLiveMap(other, mesh.node('beta'));
  const place = (on: typeof page) => on.getByTestId('graph').locator('g', { hasText: 'gamma' }).last().getAttribute('transform');
  expect(await place(page)).toMatch(/^translate/);
  expect(await place(other)).toBe(await place(page));
  await expect(page.getByTestId('graph')).toHaveAttribute('aria-label', 'alpha is linked to 2 peers and knows of 2 nodes');
});

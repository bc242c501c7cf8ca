// The map in other people's pages: small in a frame, and in one line.

import { expect, test } from '../support/test.ts';

test.use({ meshNames: ['alpha'] });

test('the small map lives in a frame of another page', async ({ mesh, page }) => {
  const { url } = mesh.node('alpha');
  await page.setContent(`<iframe src="${url}/federated/embed" width="600" height="400" title="mesh"></iframe>`);
  const frame = page.frameLocator('iframe');
  await expect(frame.getByTestId('embed')).toHaveAttribute('data-mode', 'live');
  await mesh.node('alpha').post({ beauty: 0.5 });
  await expect(frame.getByTestId('heatmap-canvas')).toHaveAttribute('data-rows', '2');
});

test('the badge says who, how beautiful, and how many', async ({ mesh, page }) => {
  await mesh.node('alpha').post({ beauty: 0.625 });
  const answer = await page.goto(`${mesh.node('alpha').url}/federated/badge.svg`);
  expect(answer?.headers()['content-type']).toBe('image/svg+xml');
  await expect(page.locator('title')).toHaveText('alpha: 0.625 · 1 node');
});

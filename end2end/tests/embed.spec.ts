// The map in other people's pages: small in a frame, and in one line.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { state } from '../support/map.ts';
import { expect, test } from '../support/test.ts';

test.use({ meshNames: ['alpha'] });

test('the small map lives in a frame of another page', async ({ mesh, page }) => {
  const { url } = mesh.node('alpha');
  const body = `<!DOCTYPE html><iframe src="${url}/federated/embed" width="600" height="400" title="mesh"></iframe>`;
  const site = createServer((_, answer) => answer.setHeader('content-type', 'text/html').end(body));
  await new Promise<void>((listening) => site.listen(0, '127.0.0.1', listening));
  await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
  const frame = page.frameLocator('iframe');
  await expect(frame.getByTestId('embed')).toHaveAttribute('data-mode', 'live');
  await mesh.node('alpha').post({ beauty: 0.5 });
  const canvas = frame.getByTestId('heatmap-canvas');
  await expect(canvas).toHaveAttribute('data-rows', '2');
  // What is clicked changes what the small map shows, and not which page it is: the map itself would refuse the frame.
  await canvas.click({ position: { x: 300, y: 90 } });
  await expect.poll(() => page.frames()[1]!.url().replace(/&pin=\d+$/, '')).toBe(`${url}/federated/embed?node=alpha`);
  await expect(canvas).toBeVisible();
  site.close();
});

test('the small map says when it is stale', async ({ mesh, page }) => {
  await page.goto(`${mesh.node('alpha').url}/federated/embed`);
  await expect(state(page)).toHaveText(/^Live since/);
  await mesh.node('alpha').stop();
  await expect(state(page)).toHaveText(/^Offline since/);
  await expect(page.getByTestId('heatmap-canvas')).toHaveCSS('opacity', '0.6');
});

test.describe('a page that is framed', () => {
  // The browser says why it shows nothing.
  test.use({ mayComplain: /frame/ });

  test('the whole map lives in no frame', async ({ mesh, page }) => {
    await page.goto(`${mesh.node('alpha').url}/federated/map`);
    const framed = await page.evaluate(async () => {
      const frame = document.body.appendChild(document.createElement('iframe'));
      await new Promise((loaded) => {
        frame.onload = loaded;
        frame.src = '/federated/map';
      });
      return frame.contentDocument?.body.textContent ?? '';
    });
    expect(framed).toBe('');
  });
});

test('the badge says who, how beautiful, and how many', async ({ mesh, page }) => {
  await mesh.node('alpha').post({ beauty: 0.625 });
  const answer = await page.goto(`${mesh.node('alpha').url}/federated/badge.svg`);
  expect(answer?.headers()['content-type']).toBe('image/svg+xml');
  await expect(page.locator('title')).toHaveText('alpha: 0.625 · 1 node');
});

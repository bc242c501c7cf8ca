// Every state that the page is designed for, photographed at three widths, light and dark: nothing is cut off, and nothing leaves
// the page. With PICTURES=1 the pictures are kept in test-results/states, to be looked at.

import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { repository } from '../support/binary.ts';
import { Crowd, nameOf, waves } from '../support/crowd.ts';
import { openLiveMap, state } from '../support/map.ts';
import { expect, type Mesh, test, until } from '../support/test.ts';

const SIZES = [
  { width: 360, height: 740 },
  { width: 1280, height: 900 },
  { width: 2560, height: 1440 },
  { width: 3840, height: 2160 },
];

test.describe.configure({ timeout: 240_000 });
test.use({ meshNames: ['alpha'], meshEnv: { FEDERATED_UNSIGNED: 'accept' } });

const map = (mesh: Mesh, query = '') => `${mesh.node('alpha').url}/federated/map${query}`;

/** What reaches out of the page, or is cut off where it should not be. */
async function misplaced(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const wide = document.documentElement.scrollWidth > innerWidth ? ['the page is wider than its window'] : [];
    const cut = [...document.querySelectorAll<HTMLElement>('h1, h2, p, dt, dd, a, button, .tile, .legend span, td, th')];
    const out = cut.filter((element) => {
      const box = element.getBoundingClientRect();
      const hidden = !element.checkVisibility() || element.closest('.visually-hidden, .scroll, .skip');
      return !hidden && (box.left < -1 || box.right > innerWidth + 1 || element.scrollWidth > element.clientWidth + 1);
    });
    const inline = (element: HTMLElement) => getComputedStyle(element).display === 'inline';
    return [...wide, ...out.filter((element) => !inline(element)).map((e) => `${e.tagName} ${e.className}: ${e.textContent}`)];
  });
}

/** Photographs a state at each size and in each theme, after it was brought about. */
async function photograph(page: Page, name: string, open: (page: Page) => Promise<void>): Promise<void> {
  await open(page);
  const portrait = page.getByTestId('portrait');
  if (await portrait.count()) await expect(portrait).toHaveAttribute('data-drawn', /./, { timeout: 60_000 });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    for (const size of SIZES) {
      await page.setViewportSize(size);
      await page.waitForFunction(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(() => painted(true)))));
      expect.soft(await misplaced(page), `${name} ${size.width} ${colorScheme}`).toEqual([]);
      if (process.env.PICTURES === '1') {
        const path = join(repository, 'end2end', 'test-results', 'states', `${name}-${size.width}-${colorScheme}.png`);
        await page.screenshot({ path, fullPage: true });
      }
    }
  }
}

test('empty, one node, stale and gone', async ({ mesh, page }) => {
  await photograph(page, 'empty', () => openLiveMap(page, mesh.node('alpha')));
  const now = Date.now();
  await mesh.node('alpha').post(waves(1, now).slice(0, 39).map(({ beauty, timestamp }) => ({ beauty, timestamp })));
  await photograph(page, 'one-node', () => openLiveMap(page, mesh.node('alpha')));
  await photograph(page, 'past', async () => {
    await page.goto(map(mesh, `?t=${now - 60_000}&kind=change&line=50&node=alpha`));
    await expect(state(page)).toHaveAttribute('data-mode', 'past');
  });
  await photograph(page, 'stale', async () => {
    await openLiveMap(page, mesh.node('alpha'));
    await mesh.node('alpha').stop();
    await expect(state(page)).toHaveAttribute('data-mode', 'offline');
    await expect(page.getByTestId('warning')).toHaveText(/^The node does not answer\. What is shown is of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC/);
  });
});

test('before the program has come', async ({ mesh, browser }) => {
  await mesh.node('alpha').post({ beauty: 0.7 });
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(map(mesh));
  for (const size of SIZES) {
    await page.setViewportSize(size);
    if (process.env.PICTURES === '1') {
      const path = join(repository, 'end2end', 'test-results', 'states', `loading-${size.width}-light.png`);
      await page.screenshot({ path, fullPage: true });
    }
  }
  await expect(state(page)).toHaveText(/^Snapshot of/);
  await context.close();
});

test('two hundred nodes, on a desk, on a wall, in a frame and on paper', async ({ mesh, page }) => {
  const crowd = await Crowd.join(mesh.node('alpha'));
  await crowd.say(waves(200));
  await until('all are heard', async () => (await mesh.node('alpha').health()).events === 8_000, 60_000);
  await photograph(page, 'many', async () => {
    await openLiveMap(page, mesh.node('alpha'));
    await expect(page.getByTestId('part')).toHaveText('1 to 24 of 200');
  });
  await photograph(page, 'distribution', () => page.goto(map(mesh, '?kind=distribution')).then(() => undefined));
  await photograph(page, 'wall', () => page.goto(map(mesh, `?wall=1&node=${nameOf(7)}`)).then(() => undefined));
  await photograph(page, 'embed', () => page.goto(`${mesh.node('alpha').url}/federated/embed`).then(() => undefined));
  await photograph(page, 'nowhere', () => page.goto(`${mesh.node('alpha').url}/nowhere`).then(() => undefined));
  await page.goto(map(mesh));
  await expect(state(page)).toHaveAttribute('data-mode', 'live');
  await page.emulateMedia({ media: 'print' });
  await expect(page.locator('.controls')).toBeHidden();
  // A4, less its margins.
  await page.setViewportSize({ width: 718, height: 1_000 });
  expect(await page.evaluate(() => Math.max(...[...document.querySelectorAll('table')].map((table) => table.getBoundingClientRect().right)))).toBeLessThanOrEqual(718);
  // Paper is white, whatever the screen was.
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)).toBe('light');
  await expect(page.getByTestId('portrait')).toHaveAttribute('data-drawn', /./, { timeout: 60_000 });
  if (process.env.PICTURES === '1') {
    await page.setViewportSize({ width: 800, height: 1131 });
    await page.screenshot({ path: join(repository, 'end2end', 'test-results', 'states', 'print.png'), fullPage: true });
  }
  crowd.leave();
});

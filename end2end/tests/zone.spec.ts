// Times are told by the reader's clock, and the zone beside them; the server's HTML, files and addresses have UTC.

import { readFile } from 'node:fs/promises';
import { bucketStart, layoutShift, openLiveMap, state, timeOfDay } from '../support/map.ts';
import { expect, test } from '../support/test.ts';

const KATHMANDU = (5 * 60 + 45) * 60_000;

test.use({ meshNames: ['alpha'], timezoneId: 'Asia/Kathmandu' });

test('a living page tells times by the clock of its reader, wherever it tells one', async ({ mesh, page }) => {
  const at = Date.now() - 60_000;
  await mesh.node('alpha').post({ beauty: 0.5, timestamp: at });
  await openLiveMap(page, mesh.node('alpha'));
  await expect(state(page)).toHaveText(/^Live since \d\d:\d\d:\d\d UTC\+05:45$/);
  const since = /\d\d:\d\d:\d\d/.exec((await state(page).textContent())!)![0];
  const local = [...Array(30).keys()].map((second) => timeOfDay(Date.now() + KATHMANDU - second * 1_000));
  expect(local).toContain(since);
  // What readers of many zones compare.
  await expect(page.locator('.agreement')).toContainText(/\d\d:\d\d UTC on/);
  const canvas = page.getByTestId('heatmap-canvas');
  await canvas.focus();
  await canvas.press('End');
  await expect(page.getByTestId('heatmap-tooltip')).toContainText(/–\d\d:\d\d:\d\d UTC\+05:45/);
  await page.getByTestId('heatmap-table').locator('summary').click();
  const told = page.getByRole('rowheader', { name: `${timeOfDay(bucketStart(at) + KATHMANDU)} UTC+05:45` });
  await expect(told).toHaveCount(1);
  await page.getByTestId('pause').click();
  await expect(state(page)).toHaveText(/^Paused at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\+05:45$/);
});

for (const [name, viewport] of [['screen', { width: 1280, height: 900 }], ['phone', { width: 360, height: 740 }]] as const) {
  test(`on a ${name} nothing moves where the zone's name comes`, async ({ mesh, page }) => {
    await page.setViewportSize(viewport);
    await mesh.node('alpha').post([{ beauty: 0.2 }, { beauty: 0.9 }]);
    const shifted = await layoutShift(page);
    await openLiveMap(page, mesh.node('alpha'));
    await expect(state(page)).toHaveText(/UTC\+05:45$/);
    expect(await shifted()).toBeLessThan(0.001);
    const tall = () => page.locator('.header').evaluate((header) => header.querySelector('.warning')!.getBoundingClientRect().top - header.getBoundingClientRect().top);
    const before = await tall();
    await page.getByTestId('pause').click();
    await expect(state(page)).toHaveText(/^Paused at .*UTC\+05:45$/);
    expect(await tall(), 'nor where a whole moment is told').toBe(before);
  });
}

test('what the page saves has UTC', async ({ mesh, page }) => {
  const at = Date.now() - 60_000;
  await mesh.node('alpha').post({ beauty: 0.5, timestamp: at });
  await openLiveMap(page, mesh.node('alpha'));
  await expect(state(page)).toHaveText(/UTC\+05:45$/);
  const [saved] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' }).click()]);
  expect(await readFile(await saved.path(), 'utf8')).toContain(`${new Date(bucketStart(at)).toISOString().slice(0, 19)}Z`);
});

test('Russian writes its days as Russian does', async ({ mesh, page }) => {
  await mesh.node('alpha').post({ beauty: 0.5 });
  await page.goto(`${mesh.node('alpha').url}/federated/map?lang=ru&t=${Date.now() - 1_000}`);
  await expect(state(page)).toHaveText(/^Пауза на \d\d\.\d\d\.\d{4} \d\d:\d\d:\d\d UTC\+05:45$/);
});

test('a page that does not come alive has UTC', async ({ mesh, browser }) => {
  const context = await browser.newContext({ javaScriptEnabled: false, timezoneId: 'Asia/Kathmandu' });
  const page = await context.newPage();
  await page.goto(`${mesh.node('alpha').url}/federated/map`);
  await expect(state(page)).toHaveText(/^Snapshot of \d\d:\d\d:\d\d UTC$/);
  await context.close();
});

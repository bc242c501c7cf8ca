// Two languages, three themes, and keys: chosen once, kept, and the same with and without JavaScript.

import { complaints, openLiveMap, state } from '../support/map.ts';
import { expect, test } from '../support/test.ts';

test.use({ meshNames: ['alpha'] });

test('the browser says which language, and the page speaks it', async ({ mesh, browser }) => {
  for (const [locale, lang, word] of [['ru-RU', 'ru', 'Вживую'], ['en-GB', 'en', 'Live'], ['de-DE', 'en', 'Live']] as const) {
    const context = await browser.newContext({ locale });
    const page = await context.newPage();
    const found = complaints(page);
    await openLiveMap(page, mesh.node('alpha'));
    await expect(page.locator('html')).toHaveAttribute('lang', lang);
    await expect(state(page)).toContainText(word);
    expect(found).toEqual([]);
    await context.close();
  }
});

test('a chosen language is kept, and its numbers and plurals are its own', async ({ mesh, page }) => {
  await mesh.node('alpha').post([{ beauty: 0.5 }, { beauty: 0.5 }]);
  await openLiveMap(page, mesh.node('alpha'));
  await page.getByRole('link', { name: 'Русский' }).click();
  await expect(page.locator('html')).toHaveAttribute('lang', 'ru');
  await expect(page.getByTestId('tile-beauty_avg')).toHaveText('0,500');
  await expect(page.getByText('Хранится 2 события;')).toBeVisible();
  await page.goto(`${mesh.node('alpha').url}/federated/map`);
  await expect(page.locator('html')).toHaveAttribute('lang', 'ru');
});

test('a chosen theme is kept, whatever the system likes', async ({ mesh, page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await openLiveMap(page, mesh.node('alpha'));
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.getByRole('link', { name: 'Dark' }).click();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await expect(state(page)).toHaveAttribute('data-mode', 'live');
  const dark = await ground();
  expect(dark).not.toBe(light);
  await page.goto(`${mesh.node('alpha').url}/federated/map`);
  expect(await ground()).toBe(dark);
  await page.getByRole('link', { name: 'System' }).click();
  await expect(page.locator('html')).not.toHaveAttribute('data-theme', /./);
  await expect(state(page)).toHaveAttribute('data-mode', 'live');
  expect(await ground()).toBe(light);
});

test('a key lists the keys, another leads to the heatmap, a third pauses', async ({ mesh, page }) => {
  await openLiveMap(page, mesh.node('alpha'));
  await page.keyboard.press('?');
  await expect(page.getByText('a bucket earlier, later')).toBeVisible();
  await page.keyboard.press('?');
  await expect(page.getByText('a bucket earlier, later')).toBeHidden();
  await page.keyboard.press('m');
  await expect(page.getByTestId('heatmap-canvas')).toBeFocused();
  await page.getByTestId('heatmap-canvas').blur();
  await page.keyboard.press('Space');
  await expect(state(page)).toHaveAttribute('data-mode', 'past');
  await page.keyboard.press('Space');
  await expect(state(page)).toHaveAttribute('data-mode', 'live');
});

test('keys of one letter or sign can be turned off, and others stay', async ({ mesh, page }) => {
  await openLiveMap(page, mesh.node('alpha'));
  await page.getByRole('group', { name: 'Keys' }).getByRole('link', { name: 'off' }).click();
  await expect(page).toHaveURL(/keys=off$/);
  await page.goto(`${mesh.node('alpha').url}/federated/map`);
  await expect(state(page)).toHaveAttribute('data-mode', 'live');
  for (const key of ['?', 'm', ']']) await page.keyboard.press(key);
  await page.keyboard.press('Space');
  // The last of them was heard, so those before it were as well.
  await expect(state(page)).toHaveAttribute('data-mode', 'past');
  await expect(page.getByText('a bucket earlier, later')).toBeHidden();
  await expect(page.getByTestId('heatmap-canvas')).not.toBeFocused();
  await expect(page).not.toHaveURL(/line=/);
});

test('on a wall there is nothing to press', async ({ mesh, page }) => {
  await page.goto(`${mesh.node('alpha').url}/federated/map?wall=1`);
  await expect(state(page)).toHaveAttribute('data-mode', 'live');
  await expect(page.getByRole('link')).toHaveCount(0);
  await expect(page.getByTestId('heatmap-canvas')).toBeVisible();
  for (const role of ['button', 'textbox', 'spinbutton', 'slider'] as const) await expect(page.getByRole(role)).toHaveCount(0);
});

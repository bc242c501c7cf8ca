// By keyboard alone: everything can be reached, and one sees where one is. Nothing moves by itself.

import type { Page } from '@playwright/test';
import { openLiveMap } from '../support/map.ts';
import { expect, test, until } from '../support/test.ts';

test.use({ meshNames: ['alpha', 'beta'] });

/** What has the focus, and whether one sees it. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement!;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    const { width, height } = element.getBoundingClientRect();
    const seen = outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2 && width > 0 && height > 0;
    const all = [...document.querySelectorAll('*')];
    return { place: all.indexOf(element), name: `${element.tagName} ${element.textContent?.slice(0, 20)}`, seen };
  });

test('the Tab key reaches all that can be pressed, in order, and each shows that it has the focus', async ({ mesh, page }) => {
  await until('beta is a peer', async () => (await mesh.node('alpha').health()).peers === 1);
  await openLiveMap(page, mesh.node('alpha'));
  const wanted = await page.evaluate(
    () => [...document.querySelectorAll<HTMLElement>('a[href], button, input, summary, [tabindex="0"]')].filter((element) => element.checkVisibility()).length,
  );
  const reached: Awaited<ReturnType<typeof focused>>[] = [];
  for (let press = 0; press < wanted; press += 1) {
    await page.keyboard.press('Tab');
    reached.push(await focused(page));
  }
  expect(reached.filter(({ seen }) => !seen).map(({ name }) => name)).toEqual([]);
  expect(new Set(reached.map(({ place }) => place)).size).toBe(wanted);
  expect(reached.map(({ place }) => place)).toEqual(reached.map(({ place }) => place).sort((a, b) => a - b));
});

test('nothing moves by itself for whoever wants it so', async ({ mesh, page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await openLiveMap(page, mesh.node('alpha'));
  // As if some style sheet of later had forgotten it.
  const running = await page.evaluate(() => {
    const tile = document.querySelector<HTMLElement>('.tile')!;
    tile.style.transition = 'opacity 10s';
    getComputedStyle(tile).opacity;
    tile.style.opacity = '0';
    return document.getAnimations().length;
  });
  expect(running).toBe(0);
});

// On paper the page is light, whatever the screen is.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { repository } from '../support/binary.ts';
import { openLiveMap, state } from '../support/map.ts';
import { expect, test } from '../support/test.ts';

// The style that makes the page narrow is the test's.
test.use({ meshNames: ['alpha'], bypassCSP: true });

/** How light the letters before the heatmap's rows are, of 255; what is looked at is what is on the canvas at this moment. */
const look = () => {
  const canvas = document.querySelector<HTMLCanvasElement>('#heatmap')!;
  const { data } = canvas.getContext('2d')!.getImageData(0, 0, 60, canvas.height);
  const letters = Array.from({ length: data.length / 4 }, (_, i) => 4 * i).filter((at) => data[at + 3]! > 200);
  return letters.reduce((sum, at) => sum + (data[at]! + data[at + 1]! + data[at + 2]!) / 3, 0) / letters.length;
};

/** How light the letters are that go to paper. */
async function printed(page: Page, file: string): Promise<number> {
  // The page's own listener is there already, so this one comes after it.
  await page.evaluate(`addEventListener('beforeprint', () => { globalThis.onPaper = (${look})() }, { once: true })`);
  const keep = process.env.PICTURES === '1';
  if (keep) await expect(page.getByTestId('portrait')).toHaveAttribute('data-drawn', /./);
  const pdf = await page.pdf({ format: 'A4' });
  if (keep) writeFileSync(join(repository, 'end2end', 'test-results', `${file}.pdf`), pdf);
  return page.evaluate(() => (globalThis as any).onPaper);
}

for (const [who, query, colorScheme] of [['the system', '', 'dark'], ['the reader', '?theme=dark', 'light']] as const) {
  test(`what is dark on the screen because ${who} wants it is light on paper, and dark again after`, async ({ mesh, page }) => {
    await page.emulateMedia({ colorScheme });
    await mesh.node('alpha').post({ beauty: 0.5 });
    await page.goto(`${mesh.node('alpha').url}/federated/map${query}`);
    await expect(state(page)).toHaveAttribute('data-mode', 'live');
    await expect.poll(() => page.evaluate(look)).toBeGreaterThan(170);
    expect(await printed(page, `print-${colorScheme}`)).toBeLessThan(120);
    await expect.poll(() => page.evaluate(look)).toBeGreaterThan(170);
  });
}

test('the heatmap becomes as narrow as the paper, and is not squeezed', async ({ mesh, page }) => {
  // Nobody paints anew between the page's last frame on the screen and the paper.
  await page.addInitScript(() => {
    globalThis.ResizeObserver = class extends ResizeObserver {
      constructor(changed: ResizeObserverCallback) {
        let first = true;
        super((...what) => {
          if (first) changed(...what);
          first = false;
        });
      }
    };
  });
  await openLiveMap(page, mesh.node('alpha'));
  const canvas = page.getByTestId('heatmap-canvas');
  const painted = () => canvas.evaluate(({ width, height }: HTMLCanvasElement) => width / height);
  await expect(canvas).toHaveAttribute('width', /^\d{4}$/);
  const before = await painted();
  await page.emulateMedia({ media: 'print' });
  await page.addStyleTag({ content: 'main { max-width: 700px }' });
  const { width, height } = (await canvas.boundingBox())!;
  expect(width).toBeLessThanOrEqual(700);
  expect(await painted()).toBe(before);
  expect(width / height).toBeCloseTo(before, 1);
});

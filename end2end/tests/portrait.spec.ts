// Nodes with the same events show the same portrait: pixel by pixel, in the browser and from the server.

import type { Page } from '@playwright/test';
import { openLiveMap } from '../support/map.ts';
import { expect, type Node, test, until } from '../support/test.ts';

test.use({ meshNames: ['alpha', 'beta'] });

/** A hash of the pixels that the page has drawn. */
async function drawn(page: Page, digest: string): Promise<string> {
  const canvas = page.getByTestId('portrait');
  await expect(canvas).toHaveAttribute('data-drawn', digest, { timeout: 60_000 });
  return canvas.evaluate(async (element: HTMLCanvasElement) => {
    const { data } = element.getContext('2d')!.getImageData(0, 0, element.width, element.height);
    const hash = await crypto.subtle.digest('SHA-256', data as Uint8ClampedArray<ArrayBuffer>);
    return [...new Uint8Array(hash)].join(' ');
  });
}

/** A hash of the pixels of the file that a node serves, unpacked by the browser. */
async function served(page: Page, node: Node): Promise<string> {
  await page.goto(`${node.url}/federated/map`);
  return page.evaluate(async () => {
    const file = await (await fetch('/federated/portrait.png')).blob();
    const bitmap = await createImageBitmap(file, { colorSpaceConversion: 'none', premultiplyAlpha: 'none' });
    const canvas = Object.assign(document.createElement('canvas'), { width: bitmap.width, height: bitmap.height });
    const context = canvas.getContext('2d')!;
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const hash = await crypto.subtle.digest('SHA-256', data as Uint8ClampedArray<ArrayBuffer>);
    return [...new Uint8Array(hash)].join(' ');
  });
}

test('two nodes that agree show one portrait, on the page and as a file', async ({ mesh, page, context }) => {
  test.slow();
  const [alpha, beta] = [mesh.node('alpha'), mesh.node('beta')];
  await until('they are linked', async () => (await alpha.health()).peers === 1);
  await alpha.post([{ beauty: 0.1 }, { beauty: 0.9 }]);
  await beta.post({ beauty: 0.4 });
  const digest = await until('they agree', async () => {
    const [one, other] = [await alpha.health(), await beta.health()];
    return one.events === 3 && one.digest === other.digest && one.digest;
  });
  await openLiveMap(page, alpha);
  const other = await context.newPage();
  await openLiveMap(other, beta);
  const [one, two] = [await drawn(page, digest), await drawn(other, digest)];
  expect(two).toBe(one);
  expect(await served(page, alpha)).toBe(one);
  expect(await served(other, beta)).toBe(one);
});

test('another event gives another portrait, without a reload', async ({ mesh, page }) => {
  test.slow();
  const alpha = mesh.node('alpha');
  await openLiveMap(page, alpha);
  const empty = await drawn(page, await alpha.digest());
  await alpha.post({ beauty: 0.7 });
  const later = await drawn(page, await alpha.digest());
  expect(later).not.toBe(empty);
});

test('it has a legend in words, and can be taken along', async ({ mesh, page }) => {
  const alpha = mesh.node('alpha');
  await openLiveMap(page, alpha);
  const section = page.locator('.portrait');
  await expect(section).toContainText('this is the curve of an empty mesh');
  await alpha.post([{ beauty: 0.25 }, { beauty: 0.75 }]);
  await expect(section.locator('dl')).toHaveText(/Beauty bends its arcs0\.500Chaos loosens its strands0\.500/);
  const download = page.waitForEvent('download');
  await section.getByRole('link', { name: 'Save as PNG' }).click();
  const chunks: Buffer[] = [];
  for await (const chunk of await (await download).createReadStream()) chunks.push(chunk as Buffer);
  const file = Buffer.concat(chunks);
  const side = await page.getByTestId('portrait').evaluate(({ width }: HTMLCanvasElement) => width);
  expect([file.subarray(1, 4).toString(), file.readUInt32BE(16), file.readUInt32BE(20)]).toEqual(['PNG', side, side]);
});

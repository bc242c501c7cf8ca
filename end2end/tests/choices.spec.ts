// What the reader chooses is in the address, and the address restores what was seen.

import { bucketStart, cellColour, openLiveMap, openPast, state, tile } from '../support/map.ts';
import { Crowd, nameOf, waves } from '../support/crowd.ts';
import { expect, test, until } from '../support/test.ts';

test.use({ meshNames: ['alpha'] });

test('a resolution is chosen by a link, and the live map follows', async ({ mesh, page }) => {
  await mesh.node('alpha').post({ beauty: 0.5, timestamp: Date.now() - 30 * 60_000 });
  await openLiveMap(page, mesh.node('alpha'));
  await expect(page.getByTestId('heatmap-canvas')).toHaveAttribute('data-rows', '1');
  await page.getByRole('link', { name: '1 min', exact: true }).click();
  await expect(page).toHaveURL(/\?res=1m$/);
  await expect(page.getByTestId('heatmap-canvas')).toHaveAttribute('data-rows', '2');
  await mesh.node('alpha').post({ beauty: 1 });
  await expect(page.getByTestId('tile-gossip_seen')).toHaveText('2');
  await page.goBack();
  await expect(page.getByTestId('heatmap-canvas')).toHaveAttribute('aria-label', /buckets of 10 s/);
});

test('a link to what was seen shows the same to somebody else, with and without JavaScript', async ({ mesh, browser }) => {
  await mesh.node('alpha').post([{ beauty: 0.25 }, { beauty: 0.75 }]);
  for (const javaScriptEnabled of [true, false]) {
    const context = await browser.newContext({ javaScriptEnabled });
    const page = await context.newPage();
    await page.goto(`${mesh.node('alpha').url}/federated/map?res=1h&kind=chaos&colours=viridis&node=alpha`);
    await expect(page.getByRole('link', { name: '1 h', exact: true })).toHaveAttribute('aria-current', 'true');
    await expect(page.getByRole('link', { name: 'Viridis' })).toHaveAttribute('aria-current', 'true');
    await expect(page.getByTestId('legend')).toContainText('Chaos');
    await page.getByText('The same as a table').click();
    if (!javaScriptEnabled) await page.getByRole('link', { name: 'Show the table' }).click();
    await expect(page.getByTestId('heatmap-table').getByRole('row').nth(1).getByRole('cell')).toHaveText(['2', '0.500', '0.500']);
    await context.close();
  }
});

test('the distribution has a row for each range of scores', async ({ mesh, page }) => {
  await mesh.node('alpha').post([{ beauty: 0.99 }, { beauty: 0.01 }, { beauty: 0.02 }, { beauty: 0.03 }]);
  await openLiveMap(page, mesh.node('alpha'));
  await page.getByRole('link', { name: 'Distribution' }).click();
  await expect(page.getByTestId('heatmap-canvas')).toHaveAttribute('data-rows', '21');
  await page.getByText('The same as a table').click();
  const newest = page.getByTestId('heatmap-table').getByRole('row').filter({ hasText: '75 %' });
  await expect(newest.getByRole('cell').nth(2)).toHaveText('25 %');
});

test('what has no events is drawn as nothing in every palette, and zero is not', async ({ mesh, page }) => {
  const start = Math.floor(Date.now() / 10_000) * 10_000 - 100_000;
  await mesh.node('alpha').post({ beauty: 0, timestamp: start });
  for (const palette of ['cividis', 'viridis', 'mono']) {
    await page.goto(`${mesh.node('alpha').url}/federated/map?colours=${palette}`);
    await expect(state(page)).toHaveAttribute('data-mode', 'live');
    const [, , , zero] = await cellColour(page, 1, start);
    expect(zero).toBe(255);
  }
});

test('Enter follows a row, and the trends show it', async ({ mesh, page }) => {
  await mesh.node('alpha').post({ beauty: 0.5 });
  await openLiveMap(page, mesh.node('alpha'));
  const canvas = page.getByTestId('heatmap-canvas');
  await canvas.focus();
  await canvas.press('End');
  await canvas.press('ArrowDown');
  await canvas.press('Enter');
  await expect(page).toHaveURL(/node=alpha/);
  await page.getByRole('link', { name: 'All nodes' }).click();
  await expect(page).not.toHaveURL(/node=/);
});

test('a span that is drawn with the mouse is looked at, as finely as it is kept of nodes', async ({ mesh, page }) => {
  await mesh.node('alpha').post({ beauty: 0.5, timestamp: Date.now() - 20 * 60_000 });
  await page.goto(`${mesh.node('alpha').url}/federated/map?res=1m`);
  await expect(state(page)).toHaveAttribute('data-mode', 'live');
  await page.getByTestId('heatmap-canvas').scrollIntoViewIfNeeded();
  const box = (await page.getByTestId('heatmap-canvas').boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.5, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.58, box.y + 40);
  await page.mouse.up();
  // Columns of 10 s are kept for ten minutes: in those, alpha would have no row.
  await expect(page).toHaveURL(/map\?res=1m&t=\d+$/);
  await expect(state(page)).toHaveAttribute('data-mode', 'past');
  // Everything follows: the numbers, the trends, the picture.
  await expect(tile(page, 'beauty_avg')).toHaveText('0.500');
  await expect(page.locator('.trends')).toContainText('40 buckets × 1 min');
  await expect(page.locator('.chart-line')).toHaveAttribute('d', /^M\d+ 50\.0h2\.5$/);
  await expect(page.getByTestId('heatmap-canvas')).toHaveAttribute('aria-label', /buckets of 1 min: newest 0\.500/);
  await expect(page.getByTestId('heatmap-canvas')).toHaveAttribute('data-rows', '2');
});

test('each kind and each width of a column shows what it says', async ({ mesh, page }) => {
  const start = Math.floor(Date.now() / 10_000) * 10_000 - 50_000;
  await mesh.node('alpha').post([0.2, 0.6].map((beauty) => ({ beauty, timestamp: start })));
  await mesh.node('alpha').post({ beauty: 0.9, timestamp: start - 10_000 });
  await mesh.node('alpha').post({ beauty: 0.9, timestamp: start - 20_000 });
  const kinds = [['average', '0.400'], ['chaos', '0.400'], ['change', '−0.500 against usual']] as const;
  for (const [kind, value] of kinds) {
    await page.goto(`${mesh.node('alpha').url}/federated/map?kind=${kind}`);
    await expect(state(page)).toHaveAttribute('data-mode', 'live');
    await cellColour(page, 1, start);
    await expect(page.getByTestId('heatmap-tooltip').locator('.tooltip-value')).toHaveText(value);
  }
  for (const [resolution, width] of [['10s', '10 s'], ['1m', '1 min'], ['10m', '10 min'], ['1h', '1 h'], ['1d', '1 d']]) {
    await page.goto(`${mesh.node('alpha').url}/federated/map?res=${resolution}`);
    await expect(state(page)).toHaveAttribute('data-mode', 'live');
    await expect(page.getByTestId('heatmap-canvas')).toHaveAttribute('aria-label', new RegExp(`40 buckets of ${width}: newest 0\\.[4-9]`));
    await expect(page.locator('.trends')).toContainText(`40 buckets × ${width}.`);
  }
});

test('an address restores a moment to the pixel', async ({ mesh, page, context }) => {
  const now = Date.now();
  await mesh.node('alpha').post(waves(1, now).map(({ beauty, timestamp }) => ({ beauty, timestamp: timestamp - 60_000 })));
  await openPast(page, `${mesh.node('alpha').url}/federated/map?t=${now - 90_000}`);
  await page.getByRole('link', { name: 'Change' }).click();
  await page.getByRole('link', { name: 'Viridis' }).click();
  await page.getByTestId('heatmap-canvas').focus();
  for (const key of ['End', 'ArrowDown', 'Enter', '[', 'Escape']) await page.keyboard.press(key);
  await expect(page).toHaveURL(/\?kind=change&colours=viridis&node=alpha&t=\d+&line=50$/);
  const seen = async (on: typeof page) => ({
    pixels: await on.getByTestId('heatmap-canvas').evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL()),
    trends: await on.getByTestId('trends-chart').innerHTML(),
    words: await on.locator('.tiles').innerText(),
  });
  const other = await context.newPage();
  await other.goto(page.url());
  await expect(state(other)).toHaveAttribute('data-mode', 'past');
  await expect.poll(() => seen(other)).toEqual(await seen(page));
});

test.describe('among many nodes', () => {
  test.use({ meshNames: ['alpha', 'beta', 'gamma'], meshEnv: { FEDERATED_UNSIGNED: 'accept' } });

  test('an address restores what was pinned, found, turned to, marked and sorted, with and without JavaScript', async ({ mesh, page, browser }) => {
    await until('both are peers', async () => (await mesh.node('alpha').health()).peers === 2);
    const crowd = await Crowd.join(mesh.node('alpha'));
    const then = Date.now() - 60_000;
    await crowd.say(Array.from({ length: 140 }, (_, i) => ({ node_id: nameOf(i), timestamp: then, beauty: i / 140 })));
    await until('all are heard', async () => (await mesh.node('alpha').health()).events === 140);
    crowd.leave();
    await until('they have gone', async () => (await mesh.node('alpha').health()).peers === 2);
    await openPast(page, `${mesh.node('alpha').url}/federated/map?t=${then + 30_000}&colours=viridis&line=50`);
    const opened = await page.evaluate(() => history.length);
    await page.getByTestId('filter').pressSequentially('NODE-1');
    await expect(page.getByTestId('part')).toHaveText('1 to 24 of 40');
    await page.getByRole('button', { name: 'Nodes below' }).click();
    await expect(page.getByTestId('part')).toHaveText('17 to 40 of 40');
    await page.getByTestId('peers').getByRole('button', { name: 'Name' }).click();
    // The keyboard finds the cell; a click pins it.
    await cellColour(page, 3, bucketStart(then));
    const tooltip = page.getByTestId('heatmap-tooltip');
    const position = await tooltip.evaluate((element: HTMLElement) => ({ x: Number.parseFloat(element.style.left), y: Number.parseFloat(element.style.top) - 8 }));
    await page.getByTestId('heatmap-canvas').press('Escape');
    await page.getByTestId('heatmap-canvas').click({ position });
    const address = new RegExp(`\\?colours=viridis&node=node-118&t=\\d+&line=50&find=NODE-1&above=16&pin=${bucketStart(then)}&sort=-name$`);
    await expect(page).toHaveURL(address);
    // However many letters were written, the back button leads to where the reader came from.
    expect(await page.evaluate(() => history.length)).toBe(opened);
    await page.mouse.move(5, 5);
    const told = (await tooltip.locator('span, strong').allTextContents()).slice(0, 4);
    expect(told).toEqual(['node-118', expect.stringContaining('UTC'), '0.843', '1 event']);
    for (const javaScriptEnabled of [true, false]) {
      const context = await browser.newContext({ javaScriptEnabled });
      const other = await context.newPage();
      await other.goto(page.url());
      if (javaScriptEnabled) {
        await expect(state(other)).toHaveAttribute('data-mode', 'past');
        await expect(other.getByTestId('heatmap-tooltip')).toBeVisible();
        const pixels = (on: typeof page) => on.getByTestId('heatmap-canvas').evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
        await expect.poll(() => pixels(other)).toBe(await pixels(page));
      }
      expect((await other.getByTestId('heatmap-tooltip').locator('span, strong').allTextContents()).slice(0, 4)).toEqual(told);
      await expect(other.getByTestId('filter')).toHaveValue('NODE-1');
      await expect(other.getByTestId('part')).toHaveText('17 to 40 of 40');
      await expect(other.getByTestId('line')).toHaveValue('0.50');
      await expect(other.getByRole('link', { name: 'Viridis' })).toHaveAttribute('aria-current', 'true');
      await expect(other.getByTestId('peers').locator('tbody th span:first-child')).toHaveText(['gamma', 'beta']);
      await expect(other.getByTestId('peers').getByRole('columnheader', { name: 'Name' })).toHaveAttribute('aria-sort', 'descending');
      await context.close();
    }
    // By key it is let go.
    await page.getByTestId('heatmap-canvas').press('Escape');
    await expect(page).not.toHaveURL(/pin=/);
    await expect(tooltip).toBeHidden();
  });

  test('an address that makes no sense shows what is usual', async ({ mesh, page }) => {
    await page.goto(`${mesh.node('alpha').url}/federated/map?find=${'x'.repeat(300)}&above=-1&pin=x.y&sort=-x&line=300&t=`);
    await expect(state(page)).toHaveAttribute('data-mode', 'live');
    await expect(page.getByTestId('filter')).toHaveValue('');
    await expect(page.getByTestId('heatmap-tooltip')).toBeHidden();
    await expect(page.getByTestId('peers').getByRole('columnheader', { name: 'Name' })).toHaveAttribute('aria-sort', 'ascending');
  });

  test('some are shown at a time, and any is found by name', async ({ mesh, page }) => {
    const crowd = await Crowd.join(mesh.node('alpha'));
    await crowd.say(Array.from({ length: 200 }, (_, i) => ({ node_id: nameOf(i), timestamp: Date.now(), beauty: 0.5 })));
    await until('all are heard', async () => (await mesh.node('alpha').health()).events === 200);
    await openLiveMap(page, mesh.node('alpha'));
    await expect(page.getByTestId('heatmap-canvas')).toHaveAttribute('data-rows', '25');
    await expect(page.getByTestId('part')).toHaveText('1 to 24 of 200');
    await page.getByRole('button', { name: 'Nodes below' }).click();
    await expect(page.getByTestId('part')).toHaveText('25 to 48 of 200');
    // By keyboard it is read out, with the cell in the same row.
    await page.getByTestId('heatmap-canvas').focus();
    for (const key of ['End', 'ArrowDown', 'PageDown']) await page.keyboard.press(key);
    const spoken = page.getByTestId('heatmap-spoken');
    await expect(spoken).toHaveText(/^49 to 72 of 200\. node-048, /);
    await page.keyboard.press('Escape');
    await expect(spoken).toBeEmpty();
    await page.getByTestId('filter').fill('NODE-19');
    await expect(page.getByTestId('part')).toHaveText('1 to 10 of 10');
    await page.getByTestId('filter').fill('nobody');
    await expect(page.getByTestId('part')).toHaveText('0 nodes');
    crowd.leave();
  });
});

test('what is on screen can be taken along as CSV', async ({ mesh, page }) => {
  await mesh.node('alpha').post({ beauty: 0.125 });
  await openLiveMap(page, mesh.node('alpha'));
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'CSV' }).click();
  const file = await (await download).createReadStream();
  let text = '';
  for await (const chunk of file) text += chunk;
  expect(text).toMatch(/^row,from,seconds,kind,value,events\r\n"mesh",/);
  expect(text).toMatch(/"alpha",[^\r]+,10,average,0\.125,1\r\n/);
});

test('what is on screen can be taken along as JSON, and the heatmap as a picture', async ({ mesh, page }) => {
  await mesh.node('alpha').post({ beauty: 0.125 });
  await openLiveMap(page, mesh.node('alpha'));
  const saved = async (name: string) => {
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name, exact: true }).click();
    const chunks: Buffer[] = [];
    for await (const chunk of await (await download).createReadStream()) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  const told = JSON.parse((await saved('JSON')).toString());
  // A bucket may have ended meanwhile.
  const values = told.rows[1].values.filter((value: number | null) => value !== null);
  expect([told.columns.length, told.rows[1].name, ...values]).toEqual([40, 'alpha', 0.125]);
  const picture = await saved('PNG');
  const { width, height } = await page.getByTestId('heatmap-canvas').evaluate(({ width, height }: HTMLCanvasElement) => ({ width, height }));
  expect(picture.subarray(1, 4).toString()).toBe('PNG');
  expect([picture.readUInt32BE(16), picture.readUInt32BE(20)]).toEqual([width, height]);
  // On a page of any colour it has the ground of this one.
  const clear = await page.evaluate(async (bytes) => {
    const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: 'image/png' }));
    const context = Object.assign(document.createElement('canvas'), { width: bitmap.width, height: bitmap.height }).getContext('2d')!;
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    return data.filter((value, place) => place % 4 === 3 && value < 255).length;
  }, [...picture]);
  expect(clear).toBe(0);
});

test('the line is drawn at any score, by hand, by key and by link, and without JavaScript', async ({ mesh, browser }) => {
  for (const javaScriptEnabled of [true, false]) {
    const context = await browser.newContext({ javaScriptEnabled });
    const page = await context.newPage();
    await page.goto(`${mesh.node('alpha').url}/federated/map?kind=chaos`);
    if (javaScriptEnabled) await expect(state(page)).toHaveAttribute('data-mode', 'live');
    await page.getByTestId('line').fill('0.37');
    await page.getByTestId('line').press('Enter');
    await expect(page).toHaveURL(/kind=chaos&(line=37|below=0\.37)$/);
    await expect(page.getByTestId('line')).toHaveValue('0.37');
    await expect(page.locator('.chart-threshold')).toHaveAttribute('d', /^M0 63\.0H/);
    if (javaScriptEnabled) {
      await page.getByTestId('heatmap-canvas').focus();
      await page.keyboard.press(']');
      await expect(page).toHaveURL(/line=40$/);
      await page.getByTestId('line').fill('');
      await page.getByTestId('line').press('Enter');
      await expect(page).toHaveURL(/\?kind=chaos$/);
    }
    await context.close();
  }
});

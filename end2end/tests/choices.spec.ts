// What the reader chooses is in the address, and the address restores what was seen.

import { cellColour, openLiveMap, state, tile } from '../support/map.ts';
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
  await page.goto(`${mesh.node('alpha').url}/federated/map?t=${now - 90_000}`);
  await expect(state(page)).toHaveAttribute('data-mode', 'past');
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
  test.use({ meshEnv: { FEDERATED_UNSIGNED: 'accept' } });

  test('some are shown at a time, and any is found by name', async ({ mesh, page }) => {
    const crowd = await Crowd.join(mesh.node('alpha'));
    await crowd.say(Array.from({ length: 200 }, (_, i) => ({ node_id: nameOf(i), timestamp: Date.now(), beauty: 0.5 })));
    await until('all are heard', async () => (await mesh.node('alpha').health()).events === 200);
    await openLiveMap(page, mesh.node('alpha'));
    await expect(page.getByTestId('heatmap-canvas')).toHaveAttribute('data-rows', '25');
    await expect(page.getByTestId('part')).toHaveText('1 to 24 of 200');
    await page.getByRole('button', { name: 'Nodes below' }).click();
    await expect(page.getByTestId('part')).toHaveText('25 to 48 of 200');
    await page.getByTestId('filter').fill('NODE-19');
    await expect(page.getByTestId('part')).toHaveText('1 to 10 of 10');
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
  expect([told.buckets.length, told.nodes[0].node_id, told.nodes[0].avg.at(-1)]).toEqual([40, 'alpha', 0.125]);
  const picture = await saved('PNG');
  const { width, height } = await page.getByTestId('heatmap-canvas').evaluate(({ width, height }: HTMLCanvasElement) => ({ width, height }));
  expect(picture.subarray(1, 4).toString()).toBe('PNG');
  expect([picture.readUInt32BE(16), picture.readUInt32BE(20)]).toEqual([width, height]);
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

// The heatmap shows what is there, in the right place, to every reader.

import type { Page } from '@playwright/test';
import { bucketStart, cellColour, openLiveMap, openPast, state, timeOfDay } from '../support/map.ts';
import { Crowd } from '../support/crowd.ts';
import { expect, test, until } from '../support/test.ts';

test.use({ meshNames: ['alpha'] });

test('the canvas has forty columns, a row for the mesh and one for each node', async ({ mesh, page }) => {
  const canvas = page.getByTestId('heatmap-canvas');
  await openLiveMap(page, mesh.node('alpha'));
  await expect(canvas).toHaveAttribute('data-columns', '40');
  await expect(canvas).toHaveAttribute('data-rows', '1');
  await mesh.node('alpha').post({ beauty: 0.5 });
  await expect(canvas).toHaveAttribute('data-rows', '2');
});

test('an event colours its own cell and no other', async ({ mesh, page }) => {
  const [yellow, blue] = [[253, 233, 69, 255], [0, 32, 81, 255]];
  const start = bucketStart(Date.now() - 100_000);
  await mesh.node('alpha').post({ beauty: 0, timestamp: start - 20_000 });
  await openLiveMap(page, mesh.node('alpha'));
  const colour = (row: number, at: number) => cellColour(page, row, at);
  expect([yellow, blue]).not.toContainEqual(await colour(1, start));
  await mesh.node('alpha').post({ beauty: 1, timestamp: start + 5_000 });
  await expect.poll(() => colour(1, start)).toEqual(yellow);
  expect(await colour(0, start)).toEqual(yellow);
  expect(await colour(1, start - 20_000)).toEqual(blue);
  expect([yellow, blue]).not.toContainEqual(await colour(1, start - 10_000));
});

test('a cell tells its node, its time, its value and its events, by mouse and by keyboard', async ({ mesh, page }) => {
  const start = bucketStart(Date.now() - 70_000);
  await mesh.node('alpha').post([0.25, 0.5].map((beauty) => ({ beauty, timestamp: start + 1_000 })));
  await openLiveMap(page, mesh.node('alpha'));
  await cellColour(page, 0, start);
  const words = ['mesh', timeOfDay(start), timeOfDay(start + 10_000), '0.375', '2 events', /last event 1 min \d+ s ago/];
  const told = async (words: Array<string | RegExp>) => {
    for (const word of words) {
      await expect(page.getByTestId('heatmap-tooltip')).toContainText(word);
      await expect(page.getByTestId('heatmap-spoken')).toContainText(word);
    }
  };
  await told(words);
  await cellColour(page, 1, start);
  await told(['alpha', /last event 1 min \d+ s ago, signed/]);
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('heatmap-tooltip')).toBeHidden();
  await page.getByTestId('heatmap-canvas').hover({ position: { x: 500, y: 20 } });
  await expect(page.getByTestId('heatmap-tooltip')).toContainText('UTC');
});

test.describe('a node that takes in what is not signed', () => {
  test.use({ meshEnv: { FEDERATED_UNSIGNED: 'accept' } });

  test('says of whom it vouches for', async ({ mesh, page }) => {
    const start = bucketStart(Date.now() - 100_000);
    const crowd = await Crowd.join(mesh.node('alpha'));
    await crowd.say([{ node_id: 'script', timestamp: start, beauty: 0.5 }]);
    await until('it is heard', async () => (await mesh.node('alpha').health()).events === 1);
    await openLiveMap(page, mesh.node('alpha'));
    await cellColour(page, 1, start);
    await expect(page.getByTestId('heatmap-tooltip')).toContainText('vouched for by a node');
    crowd.leave();
  });

  test('and a node that comes before others moves nobody out from under the keyboard', async ({ mesh, page }) => {
    const start = bucketStart(Date.now() - 100_000);
    const crowd = await Crowd.join(mesh.node('alpha'));
    const say = (node_id: string) => crowd.say([{ node_id, timestamp: start, beauty: 0.5 }]);
    await say('beta');
    await until('it is heard', async () => (await mesh.node('alpha').health()).events === 1);
    await openLiveMap(page, mesh.node('alpha'));
    await cellColour(page, 1, start);
    await say('aaa');
    await expect(page.getByTestId('heatmap-canvas')).toHaveAttribute('data-rows', '3');
    for (const word of ['beta', timeOfDay(start)]) await expect(page.getByTestId('heatmap-tooltip')).toContainText(word);
    crowd.leave();
  });
});

test('the table behind the canvas has the same numbers', async ({ mesh, page }) => {
  const start = bucketStart(Date.now() - 100_000);
  await mesh.node('alpha').post({ beauty: 0.125, timestamp: start });
  await openLiveMap(page, mesh.node('alpha'));
  await page.getByText('The same as a table').click();
  const row = page.getByTestId('heatmap-table').getByRole('row').filter({ hasText: timeOfDay(start) });
  await expect(row.getByRole('cell')).toHaveText(['1', '0.125', '0.125']);
});

test.describe('a node whose link is silent, or gone', () => {
  test.use({ meshNames: ['alpha', 'beta', 'gamma'] });

  for (const lang of ['en', 'ru']) {
    test(`has a mark of its own where data may still come, and no-data keeps its own (${lang})`, async ({ mesh, page }) => {
      const words = lang === 'en' ? 'data may still come' : 'данные ещё могут прийти';
      await until('both are peers', async () => (await mesh.node('alpha').health()).peers === 2);
      const start = bucketStart(Date.now() - 100_000);
      for (const name of ['beta', 'gamma']) await mesh.node(name).post({ beauty: 0.5, timestamp: start });
      await until('both are heard', async () => (await mesh.node('alpha').health()).events === 2);
      let silent = false;
      await page.routeWebSocket(/federated\/stream/, (socket) => {
        const node = socket.connectToServer();
        node.onMessage((text) => {
          const message = JSON.parse(text.toString());
          const beta = message.network.peers.find((peer: { node_id: string }) => peer.node_id === 'beta');
          if (silent && beta) beta.last_seen = start + 40_000 - 1;
          socket.send(JSON.stringify(message));
        });
      });
      await page.goto(`${mesh.node('alpha').url}/federated/map?lang=${lang}&table=1`);
      await expect(state(page)).toHaveAttribute('data-mode', 'live');
      await expect(page.getByTestId('legend')).toContainText(words);
      const cell = (from: number, column: number) =>
        page.getByTestId('heatmap-table').getByRole('row').filter({ hasText: timeOfDay(from) }).getByRole('cell').nth(column);
      // Events, the mesh, beta, gamma.
      await expect(cell(start + 50_000, 2)).toHaveText('—');
      silent = true;
      await mesh.node('alpha').post({ beauty: 0.5, timestamp: start });
      // Of alpha there is a row now as well, above.
      await expect(cell(start + 50_000, 3)).toHaveText(words);
      await expect(cell(start + 30_000, 3)).toHaveText(words);
      await expect(cell(start + 20_000, 3)).toHaveText('—');
      for (const column of [1, 2, 4]) await expect(cell(start + 50_000, column)).toHaveText('—');
      // On the canvas: a dash in the middle, and nothing else; hatched where nothing happened.
      const inked = async (row: number, at: number) => {
        await cellColour(page, row, at);
        const [x, y] = await page.getByTestId('heatmap-tooltip').evaluate((element: HTMLElement) => [Number.parseFloat(element.style.left), Number.parseFloat(element.style.top)]);
        await page.getByTestId('heatmap-canvas').press('Escape');
        await page.evaluate(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))));
        const seen = await opacity(page, x! - 6, y! - 20, 12, 18);
        return Array.from({ length: 18 }, (_, line) => seen.slice(12 * line, 12 * line + 12).filter((alpha) => alpha > 0).length);
      };
      const dash = await inked(2, start + 50_000);
      expect(dash.filter((ink) => ink > 0)).toHaveLength(2);
      expect((await inked(2, start + 10_000)).filter((ink) => ink > 0).length).toBeGreaterThan(12);
      expect((await inked(3, start + 50_000)).filter((ink) => ink > 0).length).toBeGreaterThan(12);
      await cellColour(page, 2, start + 50_000);
      for (const told of ['heatmap-tooltip', 'heatmap-spoken']) await expect(page.getByTestId(told)).toContainText(words);
      await cellColour(page, 3, start + 50_000);
      await expect(page.getByTestId('heatmap-tooltip')).not.toContainText(words);
    });
  }

  test('is marked when it goes, and the mark goes when it is back', async ({ mesh, page }) => {
    await until('both are peers', async () => (await mesh.node('alpha').health()).peers === 2);
    await mesh.node('beta').post({ beauty: 0.5, timestamp: bucketStart(Date.now()) - 100_000 });
    await until('it is heard', async () => (await mesh.node('alpha').health()).events === 1);
    await page.goto(`${mesh.node('alpha').url}/federated/map?table=1`);
    await expect(state(page)).toHaveAttribute('data-mode', 'live');
    const newest = page.getByTestId('heatmap-table').getByRole('row').nth(1).getByRole('cell').nth(2);
    await expect(newest).toHaveText('—');
    await mesh.node('beta').stop('SIGKILL');
    await expect(newest).toHaveText('data may still come');
    await page.reload();
    await expect(newest, 'whoever comes later sees it too').toHaveText('data may still come');
    await mesh.node('beta').start();
    await expect(newest).toHaveText('—');
  });
});

test('a name that is code is shown as text', async ({ mesh, page }) => {
  const name = `<b id='bold'>alpha</b>`;
  await page.routeWebSocket(/federated\/stream/, (socket) => {
    const node = socket.connectToServer();
    node.onMessage((message) => socket.send(message.toString().replaceAll('"alpha"', JSON.stringify(name))));
  });
  await mesh.node('alpha').post({ beauty: 0.5 });
  await openLiveMap(page, mesh.node('alpha'));
  await expect(page.getByTestId('node-id')).toHaveText(name);
  await expect(page.locator('#bold')).toHaveCount(0);
});

test('a cell that is clicked stays told while the mouse goes on, until it is clicked again', async ({ mesh, page }) => {
  const start = bucketStart(Date.now() - 100_000);
  await mesh.node('alpha').post({ beauty: 0.5, timestamp: start });
  // Cells slide every 10 s: in the past they stay where they were seen.
  await openPast(page, `${mesh.node('alpha').url}/federated/map?t=${Date.now()}`);
  const [canvas, tooltip] = [page.getByTestId('heatmap-canvas'), page.getByTestId('heatmap-tooltip')];
  await cellColour(page, 1, start);
  const place = () =>
    tooltip.evaluate((element: HTMLElement) => ({ x: Number.parseFloat(element.style.left), y: Number.parseFloat(element.style.top) - 8 }));
  const at = await place();
  await canvas.press('Escape');
  await canvas.click({ position: at });
  await expect(page).toHaveURL(/node=alpha/);
  await expect(page.locator('.chart-node')).toHaveAttribute('d', /^M/);
  const told = [timeOfDay(start), '0.500', '1 event'];
  for (const word of told) await expect(tooltip).toContainText(word);
  // Over other cells, away from the picture, and with the keyboard elsewhere.
  await canvas.hover({ position: { x: at.x + 100, y: 30 } });
  await page.mouse.move(5, 5);
  await page.getByTestId('line').focus();
  for (const word of told) await expect(tooltip).toContainText(word);
  await canvas.click({ position: await place() });
  await expect(page).not.toHaveURL(/node=/);
  await page.mouse.move(5, 5);
  await expect(tooltip).toBeHidden();
});

test('by keyboard a cell is pinned and let go, and a span drawn and looked at', async ({ mesh, page }) => {
  await mesh.node('alpha').post({ beauty: 0.5 });
  await openLiveMap(page, mesh.node('alpha'));
  const [canvas, tooltip] = [page.getByTestId('heatmap-canvas'), page.getByTestId('heatmap-tooltip')];
  await expect(canvas).toHaveAttribute('data-rows', '2');
  await canvas.focus();
  for (const key of ['End', 'ArrowDown', 'p']) await page.keyboard.press(key);
  await expect(page).toHaveURL(/node=alpha&pin=\d+$/);
  await page.getByTestId('line').focus();
  await expect(tooltip).toContainText('alpha');
  await canvas.focus();
  await page.keyboard.press('p');
  await expect(page).not.toHaveURL(/pin=/);
  // Away from the oldest column, which may slide out.
  for (const key of ['End', 'ArrowLeft', 'ArrowLeft', 'ArrowLeft', 'Shift+ArrowRight', 'Shift+ArrowRight']) await page.keyboard.press(key);
  const end = await tooltip.locator('span').first().innerText();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/[?&]t=\d+/);
  const at = Number(new URL(page.url()).searchParams.get('t'));
  expect(end).toBe(`${timeOfDay(at - 9_999)}–${timeOfDay(at + 1)} UTC`);
});

test('what is read out waits until the keyboard rests', async ({ mesh, page }) => {
  await openLiveMap(page, mesh.node('alpha'));
  const [canvas, spoken] = [page.getByTestId('heatmap-canvas'), page.getByTestId('heatmap-spoken')];
  await expect(spoken).toHaveAttribute('aria-live', 'polite');
  // Ten steps in one task, as fast as any key repeats.
  const said = await canvas.evaluate(async (canvas: HTMLCanvasElement) => {
    const spoken = document.querySelector('[data-testid="heatmap-spoken"]')!;
    const said: string[] = [];
    const heard = new Promise<void>((heard) => {
      new MutationObserver(() => {
        said.push(spoken.textContent!);
        heard();
      }).observe(spoken, { childList: true, characterData: true, subtree: true });
    });
    const press = (key: string) => canvas.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    press('End');
    for (let step = 0; step < 9; step += 1) press('ArrowLeft');
    await heard;
    return said;
  });
  expect(said).toHaveLength(1);
  const told = await page.getByTestId('heatmap-tooltip').locator('span').first().innerText();
  expect(said[0]).toContain(told);
  await canvas.press('ArrowLeft');
  await expect(spoken).not.toHaveText(said[0]!);
});

test.describe('on a screen with more pixels', () => {
  test.use({ deviceScaleFactor: 2.5 });

  test('the canvas has them all, and every edge of a cell is sharp', async ({ mesh, page }) => {
    await mesh.node('alpha').post(Array.from({ length: 39 }, (_, i) => ({ beauty: (i % 2) as number, timestamp: bucketStart(Date.now()) - i * 10_000 - 9_000 })));
    await openLiveMap(page, mesh.node('alpha'));
    await expect(page.getByTestId('heatmap-canvas')).toHaveAttribute('data-rows', '2');
    const found = () => page.getByTestId('heatmap-canvas').evaluate((canvas: HTMLCanvasElement) => {
      const middle = Math.round(40 * devicePixelRatio);
      const { data } = canvas.getContext('2d')!.getImageData(0, middle, canvas.width, 1);
      const colours = new Set<string>();
      for (let at = Math.round(0.2 * canvas.width); at < 0.8 * canvas.width; at += 1) colours.add(data.slice(4 * at, 4 * at + 4).join());
      return { colours: [...colours].sort(), missing: Math.round(canvas.clientWidth * devicePixelRatio) - canvas.width };
    });
    // Blue, yellow, and the page in the gaps: nothing in between.
    await expect.poll(found).toEqual({ colours: ['0,0,0,0', '0,32,81,255', '253,233,69,255'], missing: 0 });
  });
});

/** The opacity of pixels of the canvas, told in CSS pixels. */
const opacity = (page: Page, x: number, y: number, width: number, height: number) =>
  page.getByTestId('heatmap-canvas').evaluate((canvas: HTMLCanvasElement, [x, y, width, height]) => {
    const at = (css: number) => Math.round(css * devicePixelRatio);
    const { data } = canvas.getContext('2d')!.getImageData(at(x!), at(y!), at(width!), at(height!));
    return Array.from({ length: data.length / 4 }, (_, i) => data[4 * i + 3]!);
  }, [x, y, width, height] as const);

test('above each column stand its events, and behind each row its spread', async ({ mesh, page }) => {
  const start = bucketStart(Date.now() - 100_000);
  await mesh.node('alpha').post({ beauty: 0.25, timestamp: start - 20_000 });
  await mesh.node('alpha').post([0.75, 0.75, 0.75].map((beauty) => ({ beauty, timestamp: start })));
  await openPast(page, `${mesh.node('alpha').url}/federated/map?t=${Date.now()}`);
  const high = async (at: number) => {
    await cellColour(page, 0, at);
    const x = await page.getByTestId('heatmap-tooltip').evaluate((element: HTMLElement) => Number.parseFloat(element.style.left));
    return (await opacity(page, x, 0, 1, 15)).filter((alpha) => alpha > 200).length;
  };
  expect([await high(start), await high(start - 20_000), await high(start - 10_000)]).toEqual([15, 5, 0]);
  const { width } = (await page.getByTestId('heatmap-canvas').boundingBox())!;
  // Between the columns and the values, in the middle of the row of alpha: from 0.25 to 0.75 of the room.
  const line = await opacity(page, width - 52 - 64, 76, 64, 22);
  const columns = Array.from({ length: 64 }, (_, x) => line.filter((alpha, at) => at % 64 === x && alpha > 200).length);
  // The scale is a line of one pixel, the spread one of two: 48 pixels are all scores, from the eighth on.
  const thick = columns.flatMap((ink, x) => (ink > 1 ? [x] : []));
  expect(Math.abs(thick.at(0)! - (8 + 12))).toBeLessThanOrEqual(2);
  expect(Math.abs(thick.at(-1)! - (8 + 36))).toBeLessThanOrEqual(2);
});

test('cells below the line have a mark in their corner', async ({ mesh, page }) => {
  const start = bucketStart(Date.now() - 100_000);
  await mesh.node('alpha').post([0.25, 0.75].map((beauty, i) => ({ beauty, timestamp: start - 10_000 * i })));
  const corner = async (at: number) => {
    const inside = await cellColour(page, 1, at);
    await page.getByTestId('heatmap-canvas').press('Escape');
    const tooltip = page.getByTestId('heatmap-tooltip');
    const [x, y] = await tooltip.evaluate((element: HTMLElement) => [Number.parseFloat(element.style.left), Number.parseFloat(element.style.top)]);
    const colours = await page.getByTestId('heatmap-canvas').evaluate((canvas: HTMLCanvasElement, [x, y]) => {
      const { data } = canvas.getContext('2d')!.getImageData(Math.round(x! - 10), Math.round(y! - 6), 8, 6);
      return Array.from({ length: data.length / 4 }, (_, i) => data.slice(4 * i, 4 * i + 3).join());
    }, [x, y] as const);
    return colours.filter((colour) => colour !== inside.slice(0, 3).join()).length;
  };
  await openPast(page, `${mesh.node('alpha').url}/federated/map?t=${Date.now()}&line=50`);
  expect(await corner(start)).toBeGreaterThan(3);
  expect(await corner(start - 10_000)).toBe(0);
  const sign = page.getByTestId('legend').getByText('Mark below');
  await expect(sign).toBeVisible();
  await expect(sign).toHaveAttribute('data-below', '0.50');
  await page.goto(`${mesh.node('alpha').url}/federated/map`);
  await expect(sign).toBeHidden();
});

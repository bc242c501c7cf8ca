// The page stands still when asked to, and shows what was.

import { openLiveMap, openPast, state, tile } from '../support/map.ts';
import { expect, test } from '../support/test.ts';

test.use({ meshNames: ['alpha'] });

test('a paused page stands still, says so, and is live again when asked', async ({ mesh, page }) => {
  await mesh.node('alpha').post({ beauty: 0.5 });
  await openLiveMap(page, mesh.node('alpha'));
  await page.getByTestId('pause').click();
  await expect(state(page)).toHaveText(/^Paused at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
  await mesh.node('alpha').post({ beauty: 1, timestamp: Date.now() - 5_000 });
  await expect(tile(page, 'gossip_seen')).toHaveText('—');
  await page.getByTestId('pause').click();
  await expect(state(page)).toHaveAttribute('data-mode', 'live');
  await expect(tile(page, 'gossip_seen')).toHaveText('2');
});

test('a link to a moment shows that moment, with and without JavaScript', async ({ mesh, browser }) => {
  const then = Date.now() - 20 * 60_000;
  await mesh.node('alpha').post([{ beauty: 0.25, timestamp: then }, { beauty: 0.75 }]);
  for (const javaScriptEnabled of [true, false]) {
    const context = await browser.newContext({ javaScriptEnabled });
    const page = await context.newPage();
    await page.goto(`${mesh.node('alpha').url}/federated/map?t=${then + 1_000}`);
    await expect(state(page)).toHaveAttribute('data-mode', 'past');
    await expect(tile(page, 'beauty_avg')).toHaveText('0.250');
    await context.close();
  }
});

test('a moment that does not come is asked for again, and the page says until then what it shows', async ({ mesh, page }) => {
  await mesh.node('alpha').post([{ beauty: 0.25, timestamp: Date.now() - 450_000 }, { beauty: 0.75 }]);
  await openLiveMap(page, mesh.node('alpha'));
  let asked = 0;
  await page.route(/federated\/moment/, (route) => {
    asked += 1;
    // The first waits for the page to be looked at.
    if (asked > 1) return route.abort();
  });
  await page.getByTestId('earlier').click();
  await expect(state(page)).toHaveText(/^Snapshot of \d\d:\d\d:\d\d UTC$/);
  await expect(page.locator('.page')).toHaveAttribute('data-mode', 'behind');
  await expect(tile(page, 'beauty_avg')).toHaveText('0.750');
  await expect(state(page)).toHaveText(/^Offline since/);
  await expect(page.getByTestId('warning')).toContainText('the page keeps trying');
  await expect.poll(() => asked).toBeGreaterThan(2);
  await page.unroute(/federated\/moment/);
  await expect(state(page)).toHaveText(/^Paused at/);
  await expect(tile(page, 'beauty_avg')).toHaveText('0.250');
  await expect(page.locator('.page')).toHaveAttribute('data-mode', 'loaded');
});

test('a moment that is yet to come is now', async ({ mesh, page }) => {
  await page.goto(`${mesh.node('alpha').url}/federated/map?t=9999999999999`);
  await expect(state(page)).toHaveText(/^Live since/);
  await expect(page.getByTestId('pause')).toHaveText('Pause');
  await mesh.node('alpha').post({ beauty: 0.5 });
  await expect(tile(page, 'gossip_seen')).toHaveText('1');
});

test('a pause changes no number: they are of the columns that are shown', async ({ mesh, page }) => {
  await mesh.node('alpha').post([{ beauty: 0.25, timestamp: Date.now() - 3_600_000 }, { beauty: 0.75 }]);
  await page.goto(`${mesh.node('alpha').url}/federated/map?res=1h`);
  for (const mode of ['live', 'past']) {
    await expect(state(page)).toHaveAttribute('data-mode', mode);
    await expect(tile(page, 'beauty_avg')).toHaveText('0.500');
    await expect(page.getByText('Beauty and chaos of the last 1 d 16 h.')).toBeVisible();
    await page.getByTestId('pause').click();
  }
});

test('earlier and later go back through what is kept, and back to live', async ({ mesh, page }) => {
  await mesh.node('alpha').post([{ beauty: 0.25, timestamp: Date.now() - 450_000 }, { beauty: 0.75 }]);
  await openLiveMap(page, mesh.node('alpha'));
  await expect(tile(page, 'beauty_avg')).toHaveText('0.750');
  await page.getByTestId('earlier').click();
  await expect(tile(page, 'beauty_avg')).toHaveText('0.250');
  await page.getByTestId('later').click();
  await page.getByTestId('later').click();
  await expect(state(page)).toHaveAttribute('data-mode', 'live');
});

test('the slider goes to any moment that is kept, the address says which, and its end is now', async ({ mesh, page }) => {
  await mesh.node('alpha').post([{ beauty: 0.25, timestamp: Date.now() - 650_000 }, { beauty: 0.75 }]);
  await openLiveMap(page, mesh.node('alpha'));
  const scrub = page.getByTestId('scrub');
  await scrub.fill('-60');
  await expect(state(page)).toHaveAttribute('data-mode', 'past');
  await expect(tile(page, 'beauty_avg')).toHaveText('0.250');
  expect(Math.abs(Number(new URL(page.url()).searchParams.get('t')) - (Date.now() - 600_000))).toBeLessThan(60_000);
  await expect(scrub).toHaveAttribute('aria-valuetext', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/);
  await scrub.press('ArrowRight');
  await expect(scrub).toHaveValue('-59');
  await scrub.press('End');
  await expect(state(page)).toHaveAttribute('data-mode', 'live');
  await expect(tile(page, 'beauty_avg')).toHaveText('0.750');
});

test('the past says what of it is not kept, and what is of now', async ({ mesh, page }) => {
  const then = Date.now() - 20 * 60_000;
  await mesh.node('alpha').post([{ beauty: 0.25, timestamp: then }, { beauty: 0.75 }]);
  const heading = page.locator('#peers-heading');
  await openLiveMap(page, mesh.node('alpha'));
  await expect(heading).toHaveText('Peers');
  await openPast(page, `${mesh.node('alpha').url}/federated/map?t=${then + 1_000}`);
  for (const part of ['agreement', 'portrait', 'links', 'peers']) {
    await expect(page.locator(`#${part}-heading`)).toHaveText(/, as of now$/);
  }
  await expect(page.getByText(/Of nodes, such columns are kept from \d\d:\d\d:\d0 UTC on\./)).toBeVisible();
  // Down to alpha's row, and along it to the oldest column.
  const canvas = page.getByTestId('heatmap-canvas');
  await canvas.press('End');
  await canvas.press('ArrowDown');
  await canvas.press('Home');
  await expect(page.getByTestId('heatmap-tooltip')).toContainText(/alpha.*not kept/);
  await expect(page.getByTestId('heatmap-tooltip')).not.toContainText('last event');
});

test('the slider reaches as far back as the node keeps what it has heard', async ({ mesh, page }) => {
  await openLiveMap(page, mesh.node('alpha'));
  const scrub = page.getByTestId('scrub');
  await expect(scrub).toHaveAttribute('min', '-359');
  await page.getByRole('link', { name: '1 h', exact: true }).click();
  // A week.
  await expect(scrub).toHaveAttribute('min', '-167');
});

test('clocks that differ are spoken of', async ({ mesh, page }) => {
  await page.routeWebSocket(/federated\/stream/, (socket) => {
    const node = socket.connectToServer();
    node.onMessage((text) => {
      const message = JSON.parse(text.toString());
      message.health.now -= 60_000;
      socket.send(JSON.stringify(message));
    });
  });
  await openLiveMap(page, mesh.node('alpha'));
  await expect(page.getByTestId('warning')).toHaveText(/clock and the node's differ by (59 s|1 min)/);
});

test('clocks that differ are spoken of without a stream, too', async ({ mesh, page }) => {
  await page.routeWebSocket(/federated\/stream/, (socket) => socket.close());
  await page.route(/federated\/moment/, async (route) => {
    const answer = await route.fetch();
    const moment = await answer.json();
    moment.health.now -= 60_000;
    await route.fulfill({ json: moment });
  });
  const warning = page.getByTestId('warning');
  await page.goto(`${mesh.node('alpha').url}/federated/map`);
  await expect(state(page)).toHaveAttribute('data-mode', 'polling');
  await expect(warning).toHaveText(/clock and the node's differ by (5\d s|1 min)/);
  await page.goto(`${mesh.node('alpha').url}/federated/map?t=${Date.now() - 100_000}`);
  await expect(warning).toHaveText(/clock and the node's differ by (5\d s|1 min)/);
});

test('a node whose clock differs from its peers\' says so', async ({ mesh, page }) => {
  await page.routeWebSocket(/federated\/stream/, (socket) => {
    const node = socket.connectToServer();
    node.onMessage((text) => {
      const message = JSON.parse(text.toString());
      message.health.clock_ahead_ms = -12_000;
      socket.send(JSON.stringify(message));
    });
  });
  await openLiveMap(page, mesh.node('alpha'));
  await expect(page.getByTestId('warning')).toHaveText('The clocks of this node and of its peers differ by 12 s.');
});

test('a node that sees nobody says so', async ({ mesh, page }) => {
  await openLiveMap(page, mesh.node('alpha'));
  await expect(page.getByTestId('warning')).toContainText('sees no other node');
});

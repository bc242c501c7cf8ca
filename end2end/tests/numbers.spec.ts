// Whose page it is, and the mesh in eight numbers: each with where it is heading, and a line of how it went.

import { bucketStart, openLiveMap, tile } from '../support/map.ts';
import { expect, test, until } from '../support/test.ts';

test.use({ meshNames: ['alpha'] });

test('the head says which node of which mesh, and by which key it is known', async ({ mesh, page }) => {
  const { public_key, mesh: name } = await mesh.node('alpha').health();
  await openLiveMap(page, mesh.node('alpha'));
  await expect(page.getByTestId('node-id')).toHaveText('alpha');
  await expect(page.getByTestId('mesh')).toHaveText(String(name));
  const digits = String(public_key).slice(0, 16);
  await expect(page.locator('.key code')).toHaveText(digits.match(/.{4}/g)!.join(' '));
  await expect(page.locator('.key')).toHaveAttribute('title', String(public_key));
});

test('scores that rise have an arrow up and a line that rises', async ({ mesh, page }) => {
  const now = bucketStart(Date.now());
  // Of each bucket two scores, ever further apart: the lowest stays where it is.
  const events = Array.from({ length: 30 }, (_, i) => [0.1, 0.1 + 0.8 * (i / 29)].map((beauty) => ({ beauty, timestamp: now - (30 - i) * 10_000 })));
  await mesh.node('alpha').post(events.flat());
  await openLiveMap(page, mesh.node('alpha'));
  const words = { beauty_avg: '↗ rising', beauty_min: '→ steady', beauty_max: '↗ rising', chaos: '↗ rising' };
  for (const [field, word] of Object.entries(words)) await expect(page.getByTestId(`direction-${field}`)).toHaveText(word);
  const line = await page.locator('.tile', { has: tile(page, 'beauty_max') }).locator('.spark path').getAttribute('d');
  const heights = [...line!.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(([, y]) => Number(y));
  expect(heights.length).toBeGreaterThan(25);
  expect(heights).toEqual([...heights].sort((a, b) => b - a));
  await expect(page.getByTestId('trend')).toHaveText(/^Rising, /);
});

test('a page that is opened on a node that has run for a while has directions and lines at once, without JavaScript', async ({ mesh, browser }) => {
  const alpha = mesh.node('alpha');
  const noted = async (): Promise<{ events: number[] }> => (await (await fetch(`${alpha.url}/federated/moment?at=${Date.now()}`)).json()).history;
  // An event in each of three buckets.
  for (let buckets = 1; buckets <= 3; buckets += 1) {
    await until('a bucket has begun', async () => (await noted()).events.length >= buckets);
    await alpha.post({ beauty: 0.5 });
  }
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${alpha.url}/federated/map`);
  const words = { events: '↗ rising', gossip_seen: '↗ rising', gossip_propagated: '→ steady', peers: '→ steady' };
  for (const [field, word] of Object.entries(words)) {
    await expect(page.getByTestId(`direction-${field}`)).toHaveText(word);
    await expect(page.locator('.tile', { has: tile(page, field) }).locator('.spark path')).toHaveAttribute('d', /^M.+L.+L/);
  }
  // Of the past nobody knows.
  await page.goto(`${alpha.url}/federated/map?t=${Date.now() - 5_000}`);
  await expect(page.getByTestId('direction-events')).toHaveText('—');
  await context.close();
});

test('counts have a direction as soon as three buckets of them were heard', async ({ mesh, page }) => {
  let later = 0;
  await page.routeWebSocket(/federated\/stream/, (socket) => {
    const node = socket.connectToServer();
    node.onMessage((text) => {
      const message = JSON.parse(text.toString());
      message.health.now += later;
      socket.send(JSON.stringify(message));
    });
  });
  await openLiveMap(page, mesh.node('alpha'));
  await expect(page.getByTestId('direction-events')).toHaveText('—');
  for (let event = 1; event <= 3; event += 1) {
    later += 10_000;
    await mesh.node('alpha').post({ beauty: 0.5 });
    await expect(tile(page, 'events')).toHaveText(String(event));
  }
  const words = { events: '↗ rising', gossip_seen: '↗ rising', gossip_propagated: '→ steady', peers: '→ steady' };
  for (const [field, word] of Object.entries(words)) {
    await expect(page.getByTestId(`direction-${field}`)).toHaveText(word);
    await expect(page.locator('.tile', { has: tile(page, field) }).locator('.spark path')).toHaveAttribute('d', /^M.+L/);
  }
});

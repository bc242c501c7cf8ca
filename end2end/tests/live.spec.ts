// The page is as fresh as it says.

import { openLiveMap, state, tile } from '../support/map.ts';
import { expect, type Mesh, test, until } from '../support/test.ts';

/** Every node is linked to every other. */
function linked(mesh: Mesh): Promise<unknown> {
  const nodes = Object.values(mesh.nodes);
  const all = async () => (await Promise.all(nodes.map((node) => node.health()))).every((health) => health.peers > 1);
  return until('all nodes are linked', all);
}

test('an event posted to alpha is on the open page of gamma, which is not loaded anew', async ({ mesh, page }) => {
  await linked(mesh);
  await openLiveMap(page, mesh.node('gamma'));
  await page.evaluate(() => ((globalThis as any).neverReloaded = true));
  await expect(tile(page, 'gossip_seen')).toHaveText('0');
  await mesh.node('alpha').post({ beauty: 0.875 });
  await expect(tile(page, 'gossip_seen')).toHaveText('1');
  await expect(tile(page, 'beauty_avg')).toHaveText('0.875');
  expect(await page.evaluate(() => (globalThis as any).neverReloaded)).toBe(true);
});

test('two nodes that agree show the same digest', async ({ mesh, page, context }) => {
  await linked(mesh);
  await openLiveMap(page, mesh.node('alpha'));
  const other = await context.newPage();
  await openLiveMap(other, mesh.node('gamma'));
  const before = await page.getByTestId('digest').innerText();
  await mesh.node('beta').post([{ beauty: 0.1 }, { beauty: 0.4 }]);
  // Each may come by itself: until both are there, one page can be ahead of the other.
  await expect(tile(page, 'events')).toHaveText('2');
  await expect(page.getByTestId('digest')).not.toHaveText(before);
  await expect(other.getByTestId('digest')).toHaveText(await page.getByTestId('digest').innerText());
});

test('a node that is killed leaves the list of peers, and comes back to it', async ({ mesh, page }) => {
  await linked(mesh);
  await openLiveMap(page, mesh.node('alpha'));
  await expect(page.getByTestId('peer-beta')).toBeVisible();
  await mesh.node('beta').stop('SIGKILL');
  await expect(page.getByTestId('peer-beta')).toHaveCount(0);
  await expect(page.getByTestId('peer-gamma')).toBeVisible();
  await expect(tile(page, 'peers')).toHaveText('1');
  await mesh.node('beta').start();
  await expect(page.getByTestId('peer-beta')).toBeVisible();
});

test('with the stream blocked, the page polls', async ({ mesh, page }) => {
  await page.routeWebSocket(/federated\/stream/, (socket) => socket.close());
  await page.goto(`${mesh.node('alpha').url}/federated/map`);
  await expect(state(page)).toHaveAttribute('data-mode', 'polling');
  await mesh.node('alpha').post({ beauty: 0.375 });
  await expect(tile(page, 'beauty_avg')).toHaveText('0.375');
});

test('a stream that says nothing is not waited for', async ({ mesh, page }) => {
  await page.routeWebSocket(/federated\/stream/, () => undefined);
  await page.goto(`${mesh.node('alpha').url}/federated/map`);
  await mesh.node('alpha').post({ beauty: 0.375 });
  await expect(tile(page, 'beauty_avg')).toHaveText('0.375');
  await expect(state(page)).toHaveAttribute('data-mode', 'polling');
});

test('a stream that dies without a word is noticed within 15 s, and is live again by itself', async ({ mesh, page }) => {
  let dead = false;
  await page.routeWebSocket(/federated\/stream/, (socket) => {
    const node = socket.connectToServer();
    node.onMessage((text) => {
      if (!dead) socket.send(text);
    });
  });
  await openLiveMap(page, mesh.node('alpha'));
  dead = true;
  // 15 s, looked at once a second, and what a busy machine takes.
  await expect(state(page)).toHaveText(/^Polling since \d\d:\d\d:\d\d UTC$/, { timeout: 20_000 });
  await mesh.node('alpha').post({ beauty: 0.375 });
  await expect(tile(page, 'beauty_avg')).toHaveText('0.375');
  dead = false;
  await expect(state(page)).toHaveText(/^Live since/, { timeout: 60_000 });
});

test('what is silent is called neither live nor polling: a snapshot until fetches have failed, then offline', async ({ mesh, page }) => {
  let silent = false;
  await page.routeWebSocket(/federated\/stream/, (socket) => {
    const node = socket.connectToServer();
    node.onMessage((text) => {
      if (!silent) socket.send(text);
    });
  });
  await openLiveMap(page, mesh.node('alpha'));
  silent = true;
  await page.route(/federated\/moment/, () => undefined);
  await page.evaluate(() => {
    const state = document.querySelector('.state')!;
    const modes: string[] = ((globalThis as any).modes = []);
    new MutationObserver(() => modes.push(state.getAttribute('data-mode')!)).observe(state, { attributes: true });
  });
  // Columns of another width, of which nothing has come yet.
  await page.getByRole('link', { name: '1 min' }).click();
  await expect(state(page)).toHaveText(/^Snapshot of \d\d:\d\d:\d\d UTC$/);
  await expect(state(page)).toHaveText(/^Offline since/);
  expect(await page.evaluate(() => (globalThis as any).modes)).toEqual(['loaded', 'offline']);
  silent = false;
  await expect(state(page)).toHaveText(/^Live since/, { timeout: 60_000 });
});

test('the page says when its node is gone, and when it is back', async ({ mesh, page }) => {
  await openLiveMap(page, mesh.node('alpha'));
  await mesh.node('alpha').stop();
  await expect(state(page)).toHaveText(/^Offline since/);
  await mesh.node('alpha').start();
  await expect(state(page)).toHaveText(/^Live since/, { timeout: 60_000 });
});

test('the raw JSON is what the page shows, and stays fresh while it is open', async ({ mesh, page }) => {
  await openLiveMap(page, mesh.node('alpha'));
  const json = page.getByTestId('raw-json');
  await expect(json).toBeEmpty();
  await page.getByText('Raw JSON').click();
  await expect(json).not.toBeEmpty();
  const seen = async () => JSON.parse(await json.innerText()).health.gossip_seen;
  await expect.poll(seen).toBe(0);
  await mesh.node('alpha').post({ beauty: 0.5 });
  await expect.poll(seen).toBe(1);
});

test('a page whose stream broke goes on where it was, without a gap and without the past again', async ({ mesh, page, context }) => {
  const told: { type: string; health: { gossip_seen: number } }[] = [];
  let [away, breaking]: [boolean, (() => Promise<void>) | undefined] = [false, undefined];
  await page.routeWebSocket(/federated\/stream/, (socket) => {
    if (away) return void socket.close();
    const node = socket.connectToServer();
    node.onMessage((text) => {
      told.push(JSON.parse(text.toString()));
      socket.send(text);
    });
    breaking = () => socket.close();
  });
  // Another reader, so that there is a delta for each event.
  const other = await context.newPage();
  await openLiveMap(other, mesh.node('alpha'));
  await openLiveMap(page, mesh.node('alpha'));
  await mesh.node('alpha').post({ beauty: 0.25 });
  await expect(tile(page, 'gossip_seen')).toHaveText('1');
  away = true;
  await breaking!();
  await expect(state(page)).not.toHaveAttribute('data-mode', 'live');
  told.length = 0;
  for (const [beauty, seen] of [[0.75, '2'], [0.5, '3']] as const) {
    await mesh.node('alpha').post({ beauty });
    await expect(tile(other, 'gossip_seen')).toHaveText(seen);
  }
  away = false;
  await expect(state(page)).toHaveAttribute('data-mode', 'live');
  await expect(tile(page, 'beauty_avg')).toHaveText('0.500');
  expect(told.map((message) => [message.type, message.health.gossip_seen])).toContainEqual(['delta', 3]);
  expect(told.filter(({ type, health }) => type !== 'delta' || health.gossip_seen < 3)).toEqual([]);
});

test('a reader of events goes on where it was', async ({ mesh }) => {
  const { url } = mesh.node('alpha');
  const events = async (headers: Record<string, string>, count: number) => {
    const stopped = new AbortController();
    const answer = await fetch(`${url}/federated/stream`, { headers, signal: stopped.signal });
    let text = '';
    for await (const chunk of answer.body!) {
      text += new TextDecoder().decode(chunk);
      if (text.split('\n\n').length > count) break;
    }
    stopped.abort();
    return text.split('\n\n').slice(0, count).map((event) => ({
      name: /^event: (.*)$/m.exec(event)?.[1],
      id: /^id: (.*)$/m.exec(event)?.[1] ?? '',
    }));
  };
  const [first, second] = await events({}, 2);
  expect([first!.name, second!.name]).toEqual(['snapshot', 'delta']);
  await mesh.node('alpha').post({ beauty: 0.5 });
  const again = await events({ 'last-event-id': second!.id }, 3);
  expect(again.map((event) => event.name)).toEqual(['delta', 'delta', 'delta']);
  const number = (id: string) => Number(id.split('-')[1]);
  // What it has missed is one delta; after it, they are told one by one.
  const numbers = again.map((event) => number(event.id) - number(second!.id));
  expect(numbers).toEqual([numbers[0], numbers[0]! + 1, numbers[0]! + 2]);
  expect(numbers[0]).toBeGreaterThanOrEqual(0);
  expect((await events({ 'last-event-id': '1-1' }, 1))[0]!.name).toBe('snapshot');
  expect((await fetch(`${url}/federated/stream?since=x`)).status).toBe(400);
});

// Who is there, in which state: sorted as the reader likes, and drawn.

import { nameOf } from '../support/crowd.ts';
import { openFixed } from '../support/fixed.ts';
import { openLiveMap, state } from '../support/map.ts';
import { expect, startMesh, test, until } from '../support/test.ts';

test('the table is sorted by any column, and back', async ({ mesh, page }) => {
  await until('both are peers', async () => (await mesh.node('alpha').health()).peers === 2);
  await openLiveMap(page, mesh.node('alpha'));
  const names = page.getByTestId('peers').locator('tbody th span:first-child');
  await expect(names).toHaveText(['beta', 'gamma']);
  await page.getByTestId('peers').getByRole('button', { name: 'Name' }).click();
  await expect(names).toHaveText(['gamma', 'beta']);
  await expect(page.getByTestId('peers').getByRole('columnheader', { name: 'Name' })).toHaveAttribute('aria-sort', 'descending');
  for (const column of ['State', 'Link', 'Round trip', 'Sent / received', 'Redundancy', 'Last event', 'Its events']) {
    const heading = page.getByTestId('peers').getByRole('columnheader', { name: column });
    for (const sorted of ['none', 'ascending', 'descending']) {
      await expect(heading, column).toHaveAttribute('aria-sort', sorted);
      if (sorted !== 'descending') await heading.getByRole('button').click();
    }
    await expect(names).toHaveCount(2);
  }
});

test('a peer that has gone is shown as offline until it is back', async ({ mesh, page }) => {
  await until('both are peers', async () => (await mesh.node('alpha').health()).peers === 2);
  await openLiveMap(page, mesh.node('alpha'));
  await expect(page.getByTestId('peer-beta')).toContainText('Live');
  await mesh.node('beta').stop('SIGKILL');
  await expect(page.getByTestId('gone-beta')).toContainText('Offline');
  // Whoever comes later is told as well.
  await page.reload();
  await expect(page.getByTestId('gone-beta')).toContainText('Offline');
  await mesh.node('beta').start();
  await expect(page.getByTestId('peer-beta')).toBeVisible();
  await expect(page.getByTestId('gone-beta')).toHaveCount(0);
});

test('each peer has its redundancy, in the table and on its link', async ({ mesh, page }) => {
  await until('both are peers', async () => (await mesh.node('alpha').health()).peers === 2);
  await mesh.node('beta').post({ beauty: 0.5 });
  await until('alpha has heard it', async () => (await mesh.node('alpha').health()).events === 1);
  const { peers } = await mesh.node('alpha').network();
  const told = peers.find((peer: { learned: number }) => peer.learned === 1);
  expect(told.redundancy).toBe(told.duplicates);
  await openLiveMap(page, mesh.node('alpha'));
  const row = page.getByTestId(`peer-${told.node_id}`);
  await expect(row).toContainText(/\d+ of [1-9]\d* again/);
  // One for a wide screen, one for a phone: which is seen, the style sheet says.
  const numbers = page.getByTestId('graph').locator('text', { hasText: /ms · \d\.\d\d/ }).filter({ visible: true });
  await expect(numbers).toHaveClass('graph-rtt');
  await page.setViewportSize({ width: 360, height: 740 });
  await expect(numbers).toHaveClass('graph-phone');
});

test('who was kept out is told, and why', async ({ page }) => {
  const secret = { FEDERATED_SECRET: 'a secret that beta does not know' };
  const mesh = await startMesh(['alpha', 'beta'], (name) => (name === 'alpha' ? secret : {}));
  try {
    await openLiveMap(page, mesh.node('alpha'));
    const row = page.getByTestId('doubtful').locator('tbody tr').first();
    await expect(row).toContainText(/refused (by )?this node/);
    await expect(row).toContainText(/\d+ times?, \d+ s ago/);
  } finally {
    await mesh.stop();
  }
});

test('a copy of the key and a name with two keys are told', async ({ mesh, page }) => {
  const [first, other] = ['0123456789abcdef'.repeat(4), 'f'.repeat(64)];
  let said: Array<[string, string]> = [['"status":"ok"', '"status":"key-in-use-twice"']];
  await page.routeWebSocket(/federated\/stream/, (socket) => {
    const node = socket.connectToServer();
    node.onMessage((message) => socket.send(said.reduce((text, [what, by]) => text.replaceAll(what, by), message.toString())));
  });
  await openLiveMap(page, mesh.node('alpha'));
  await mesh.node('alpha').post({ beauty: 0.5 });
  await expect(page.getByTestId('warning')).toHaveText(/^Another node uses this node's key/);
  await expect(page.getByTestId('warning')).toHaveAttribute('data-grave', '1');
  said = [['"conflicts":[]', `"conflicts":[{"node_id":"beta","public_key":"${first}","others":["${other}"]}]`]];
  await mesh.node('alpha').post({ beauty: 0.5 });
  await expect(page.getByTestId('warning')).toHaveText(/^More than one key signs as beta/);
  await expect(page.getByTestId('doubtful')).toContainText('first 0123 4567 89ab cdef, then ffff ffff ffff ffff');
});

test('who is behind is told, and by how much', async ({ mesh, page }) => {
  await until('both are peers', async () => (await mesh.node('alpha').health()).peers === 2);
  await mesh.node('alpha').post([0.1, 0.2, 0.3].map((beauty) => ({ beauty })));
  const agree = async () => (await mesh.node('alpha').network()).peers.every((peer: { events: number }) => peer.events === 3);
  await until('both have told that they have them', agree);
  let [in_sync, events] = [true, 3];
  await page.routeWebSocket(/federated\/stream/, (socket) => {
    const node = socket.connectToServer();
    node.onMessage((text) => {
      const message = JSON.parse(text.toString());
      for (const peer of message.network.peers) Object.assign(peer, { in_sync: true }, peer.node_id === 'beta' ? { in_sync, events } : {});
      message.health.events = 3;
      socket.send(JSON.stringify(message));
    });
  });
  await openLiveMap(page, mesh.node('alpha'));
  const [agreement, spoken] = [page.getByTestId('agreement'), page.getByTestId('agreement-spoken')];
  await expect(agreement).toHaveText('Both peers have the same events.');
  const heard = await spoken.evaluateHandle((element) => {
    const heard: string[] = [];
    new MutationObserver(() => heard.push(element.textContent!)).observe(element, { childList: true, characterData: true, subtree: true });
    return heard;
  });
  for (const behind of [1, 2, 3]) {
    [in_sync, events] = [false, 3 - behind];
    await mesh.node('alpha').post({ beauty: 0.5 });
    await expect(agreement).toHaveText(`The same events at 1 of 2 peers. Not yet the same: beta (${behind} fewer).`);
  }
  // Read out is who differs, once; by how much is another number with each event.
  await expect(spoken).toHaveText('The same events at 1 of 2 peers. Not yet the same: beta.');
  await expect(agreement).not.toHaveAttribute('aria-live');
  expect(await heard.jsonValue()).toHaveLength(1);
});

test('the graph has every node in its place, wherever it is drawn', async ({ mesh, page, context }) => {
  await until('both are peers', async () => (await mesh.node('alpha').health()).peers === 2);
  await until('both are peers', async () => (await mesh.node('beta').health()).peers === 2);
  await openLiveMap(page, mesh.node('alpha'));
  const other = await context.newPage();
  await openLiveMap(other, mesh.node('beta'));
  const place = (on: typeof page) => on.getByTestId('graph').locator('circle', { hasText: 'gamma' }).getAttribute('cx');
  expect(await place(page)).toMatch(/^-?\d+\.\d$/);
  expect(await place(other)).toBe(await place(page));
  await expect(page.getByTestId('graph')).toHaveAttribute('aria-label', 'alpha is linked to 2 peers and knows of 2 nodes');
});

test('a peer that is linked and silent is stale', async ({ mesh, page }) => {
  await until('both are peers', async () => (await mesh.node('alpha').health()).peers === 2);
  await page.routeWebSocket(/federated\/stream/, (socket) => {
    const node = socket.connectToServer();
    node.onMessage((text) => {
      const message = JSON.parse(text.toString());
      const beta = message.network.peers.find((peer: { node_id: string }) => peer.node_id === 'beta');
      Object.assign(beta ?? {}, { last_seen: message.health.now - 46_000 });
      socket.send(JSON.stringify(message));
    });
  });
  await openLiveMap(page, mesh.node('alpha'));
  await expect(page.getByTestId('peer-beta')).toContainText('Stale');
  await expect(page.getByTestId('peer-gamma')).toContainText('Live');
});

test.describe('the graph of a large mesh', () => {
  test.use({ meshNames: ['alpha'], bypassCSP: true });

  test('has words where they can be read, and says the rest to whoever points at it', async ({ mesh, page }) => {
    const names = Array.from({ length: 200 }, (_, i) => nameOf(i));
    const graph = page.getByTestId('graph');
    for (const links of [5, 16, 40]) {
      await openFixed(page, mesh.node('alpha'), '', { nodes: names, peers: names.slice(0, links) });
      await expect(state(page)).toHaveAttribute('data-mode', 'live');
      await expect(graph.locator('line')).toHaveCount(links);
      await expect(graph.locator('circle')).toHaveCount(201);
      const boxes = await graph.locator('text').evaluateAll((words) =>
        words.map((word) => {
          const { x, y, width, height } = (word as SVGTextElement).getBBox();
          // The room above and below the letters may be shared.
          return { word: word.textContent, left: x, right: x + width, top: y + 3, bottom: y + height - 3 };
        }),
      );
      const over = boxes.flatMap((one, i) =>
        boxes
          .slice(i + 1)
          .filter((other) => one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom)
          .map((other) => `${one.word} over ${other.word}`),
      );
      expect(over, `${links} links`).toEqual([]);
      // Numbers lie on no line.
      const lines = await graph.locator('line').evaluateAll((lines) =>
        lines.map((line) => ['x2', 'y2', 'stroke-width'].map((name) => Number(line.getAttribute(name)))),
      );
      const touched = boxes.filter(({ word, left, right, top, bottom }) =>
        word!.includes('ms') &&
        lines.some(([x, y, width]) =>
          Array.from({ length: 201 }, (_, step) => [(x! * step) / 200, (y! * step) / 200] as const).some(
            ([x, y]) => x > left - width! / 2 && x < right + width! / 2 && y > top - width! / 2 && y < bottom + width! / 2,
          ),
        ),
      );
      expect(touched, `${links} links`).toEqual([]);
      const told = boxes.map((box) => box.word);
      expect(told).toContain('alpha');
      // Of more links than this there are no words, and of fewer some.
      expect(told.some((word) => word!.includes('ms'))).toBe(links <= 16);
      const titles = await graph.locator('line title').allTextContents();
      expect(titles).toHaveLength(links);
      expect(titles).toContain('node-004: 88 ms · 0.08');
      await expect(graph.locator('circle', { hasText: 'node-199' })).toHaveCount(1);
      await expect(graph.locator('circle', { hasText: 'node-004: 88 ms · 0.08' })).toHaveCount(1);
      await page.unrouteAll({ behavior: 'ignoreErrors' });
    }
  });
});

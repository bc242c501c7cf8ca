// The heatmap shows what is there, in the right place, to every reader.

import { bucketStart, cellColour, openLiveMap, timeOfDay } from '../support/map.ts';
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
  const start = bucketStart(Date.now() - 100_000);
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
});

test('the table behind the canvas has the same numbers', async ({ mesh, page }) => {
  const start = bucketStart(Date.now() - 100_000);
  await mesh.node('alpha').post({ beauty: 0.125, timestamp: start });
  await openLiveMap(page, mesh.node('alpha'));
  await page.getByText('The same as a table').click();
  const row = page.getByTestId('heatmap-table').getByRole('row').filter({ hasText: timeOfDay(start) });
  await expect(row.getByRole('cell')).toHaveText(['1', '0.125', '0.125']);
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

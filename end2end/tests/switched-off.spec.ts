// A node that takes part in no mesh says so.

import { complaints } from '../support/map.ts';
import { expect, test } from '../support/test.ts';

test.use({ meshNames: ['alpha'], meshEnv: { FEDERATED_ENABLE: '0' } });

test('the page says how to switch federation on', async ({ mesh, page }) => {
  const found = complaints(page);
  await page.goto(`${mesh.node('alpha').url}/federated/map`);
  await expect(page.getByTestId('federation-off')).toContainText('FEDERATED_ENABLE=1');
  expect(found).toEqual([]);
});

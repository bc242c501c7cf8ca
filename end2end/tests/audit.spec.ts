// Every state of the page, by the rules of WCAG 2.2 AA: in both languages and both themes, on a phone and on a desk.

import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { Crowd, waves } from '../support/crowd.ts';
import { state } from '../support/map.ts';
import { expect, type Mesh, test, until } from '../support/test.ts';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** What breaks a rule, told so that one can find it. */
async function broken(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')} ${node.failureSummary}`));
}

/** The page as each reader has it. */
async function forEveryReader(page: Page, address: string, ready: () => Promise<void>): Promise<void> {
  for (const lang of ['en', 'ru']) {
    for (const theme of ['light', 'dark']) {
      for (const width of [360, 1280]) {
        await page.setViewportSize({ width, height: 900 });
        await page.goto(`${address}${address.includes('?') ? '&' : '?'}lang=${lang}&theme=${theme}`);
        await ready();
        expect(await broken(page), `${lang} ${theme} ${width} px`).toEqual([]);
      }
    }
  }
}

const map = (mesh: Mesh, query = '') => `${mesh.node('alpha').url}/federated/map${query}`;

test.describe.configure({ timeout: 600_000 });

test.describe('a living mesh', () => {
  test.use({ meshEnv: { FEDERATED_LOCATION: '52.5,13.4' } });

  test('breaks no rule', async ({ mesh, page }) => {
    await mesh.node('alpha').post([{ beauty: 0.2 }, { beauty: 0.9 }]);
    await until('both are peers', async () => (await mesh.node('alpha').health()).peers === 2);
    await forEveryReader(page, map(mesh), async () => {
      await expect(state(page)).toHaveAttribute('data-mode', 'live');
      for (const fold of ['heatmap-table', 'keys', 'places', 'raw']) await page.getByTestId(fold).locator('summary').click();
      await expect(page.getByTestId('raw-json')).not.toBeEmpty();
    });
  });
});

test.describe('a mesh of two hundred', () => {
  test.use({ meshNames: ['alpha'], meshEnv: { FEDERATED_UNSIGNED: 'accept' } });

  test('breaks no rule', async ({ mesh, page }) => {
    const crowd = await Crowd.join(mesh.node('alpha'));
    await crowd.say(waves(200));
    await until('all are heard', async () => (await mesh.node('alpha').health()).events === 8_000, 60_000);
    await forEveryReader(page, map(mesh), () => expect(page.getByTestId('part')).toHaveText(/^1\D+24\D+200$/));
    crowd.leave();
  });
});

test.describe('a node that is switched off', () => {
  test.use({ meshNames: ['alpha'], meshEnv: { FEDERATED_ENABLE: '0' } });

  test('breaks no rule', async ({ mesh, page }) => {
    await forEveryReader(page, map(mesh), () => expect(page.getByTestId('federation-off')).toBeVisible());
  });
});

test.describe('a node by itself', () => {
  test.use({ meshNames: ['alpha'] });

  test('breaks no rule while it is empty', async ({ mesh, page }) => {
    await forEveryReader(page, map(mesh), () => expect(state(page)).toHaveAttribute('data-mode', 'live'));
  });

  test('breaks no rule in the past, in the distribution, and on a wall', async ({ mesh, page }) => {
    await mesh.node('alpha').post({ beauty: 0.2 });
    for (const query of [`?t=${Date.now() - 60_000}&kind=change&line=50&node=alpha`, '?kind=distribution&colours=mono', '?wall=1']) {
      await forEveryReader(page, map(mesh, query), () => expect(state(page)).toHaveAttribute('data-mode', /live|past/));
    }
  });

  test('breaks no rule while it polls', async ({ mesh, page }) => {
    await page.routeWebSocket(/federated\/stream/, (socket) => socket.close());
    await forEveryReader(page, map(mesh), () => expect(state(page)).toHaveAttribute('data-mode', 'polling'));
  });

  test('breaks no rule when it is gone', async ({ mesh, page }) => {
    await page.routeWebSocket(/federated\/stream/, (socket) => socket.close());
    await page.route(/federated\/moment/, (route) => route.abort());
    await forEveryReader(page, map(mesh), () => expect(state(page)).toHaveAttribute('data-mode', 'offline'));
  });

  test('breaks no rule in a frame, and where there is no page', async ({ mesh, page }) => {
    for (const path of ['/federated/embed', '/nowhere']) {
      await page.goto(mesh.node('alpha').url + path);
      expect(await broken(page), path).toEqual([]);
    }
  });
});

// The designed states look as they did when somebody last looked at them: fixed clock, fixed data, a font that comes along.
//
// What may differ is the edge of a letter. Where a picture is meant to be another, take it anew and look at it:
//
//     npm --prefix end2end test -- visual --update-snapshots

import { openFixed, type State } from '../support/fixed.ts';
import { state as mode } from '../support/map.ts';
import { expect, test } from '../support/test.ts';

test.use({ meshNames: ['alpha'], bypassCSP: true });

const names = (count: number) => Array.from({ length: count }, (_, i) => `node-${String(i).padStart(3, '0')}`);
const LIVING: State = { nodes: ['alpha', 'beta', 'delta', 'gamma'], peers: ['beta', 'delta', 'gamma'] };

interface Picture {
  name: string;
  state: State;
  query?: string;
  width?: number;
  height?: number;
  dark?: boolean;
}

const PICTURES: Picture[] = [
  { name: 'living', state: LIVING },
  { name: 'living-dark', state: LIVING, dark: true },
  { name: 'living-phone', state: LIVING, width: 360, height: 740 },
  { name: 'change', state: LIVING, query: '?kind=change&colours=viridis&line=50&node=beta' },
  { name: 'wall', state: LIVING, query: '?wall=1', width: 2560, height: 1440, dark: true },
  { name: 'empty', state: { nodes: [], peers: [] } },
  { name: 'one-node', state: { nodes: ['alpha'], peers: [] } },
  { name: 'many', state: { nodes: names(200), peers: names(5) } },
  { name: 'late', state: { ...LIVING, silent: ['beta', 'delta'] } },
  { name: 'failed', state: { ...LIVING, status: 'disk-failed' }, dark: true },
];

for (const { name, state, query = '', width = 1280, height = 900, dark = false } of PICTURES) {
  test(`${name} looks as it did`, async ({ mesh, page }) => {
    const [scheme, other] = dark ? (['dark', 'light'] as const) : (['light', 'dark'] as const);
    await page.emulateMedia({ colorScheme: other, reducedMotion: 'reduce' });
    await page.setViewportSize({ width, height });
    await openFixed(page, mesh.node('alpha'), query, state);
    await expect(mode(page)).toHaveAttribute('data-mode', 'live');
    // The canvas is painted anew where colours change: in the font that has come.
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await expect.poll(() => page.evaluate(() => (globalThis as any).paintedIn)).toContain('Fixed');
    await expect(page.getByTestId('portrait')).toHaveAttribute('data-drawn', /^3/, { timeout: 60_000 });
    await expect(page).toHaveScreenshot(`${name}.png`, { fullPage: true, animations: 'disabled', maxDiffPixelRatio: 0.004 });
  });
}

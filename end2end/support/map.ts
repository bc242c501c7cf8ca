// The map as a reader has it: opened, looked at, pointed at.

import { expect, type Locator, type Page } from '@playwright/test';
import type { Node } from './node.ts';

/** Opens a node's map and waits until it is hydrated and lives by the stream. */
export async function openLiveMap(page: Page, node: Node): Promise<void> {
  await page.goto(`${node.url}/federated/map`);
  await expect(state(page)).toHaveAttribute('data-mode', 'live');
}

/** Opens a page that shows the past, and waits until it is hydrated: the HTML of the server says already that it is the past. */
export async function openPast(page: Page, address: string): Promise<void> {
  const asked = page.waitForRequest(/federated\/moment/);
  await page.goto(address);
  await asked;
  await expect(state(page)).toHaveAttribute('data-mode', 'past');
}

/** Says Snapshot, Live, Polling or Offline, and since when. */
export function state(page: Page): Locator {
  return page.getByTestId('connection-state');
}

/** The number on a tile, by its name in the API. */
export function tile(page: Page, field: string): Locator {
  return page.getByTestId(`tile-${field}`);
}

/** Everything that a reader of the console would call an error. */
export function complaints(page: Page): string[] {
  const found: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) found.push(`${message.type()}: ${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => found.push(`thrown: ${error.message}`));
  return found;
}

/** By how much the page's layout has shifted since it was opened: what it says when asked, if it was told before. */
export async function layoutShift(page: Page): Promise<() => Promise<number>> {
  await page.addInitScript(() => {
    (globalThis as any).shifted = 0;
    const add = (entry: any) => ((globalThis as any).shifted += entry.value);
    new PerformanceObserver((list) => list.getEntries().forEach(add)).observe({ type: 'layout-shift', buffered: true });
  });
  return () => page.evaluate(() => (globalThis as any).shifted);
}

/** The time of day in UTC, as the page writes it. */
export function timeOfDay(at: number): string {
  return new Date(at).toISOString().slice(11, 19);
}

/** The start of the 10 s bucket that holds a moment. */
export function bucketStart(at: number): number {
  return at - (at % 10_000);
}

/** Red, green, blue, alpha. */
export type Colour = [number, number, number, number];

/** Leads the keyboard's cursor to the cell of a row (0 is the mesh) that begins at a time. Returns the cell's colour. */
export async function cellColour(page: Page, row: number, start: number): Promise<Colour> {
  const canvas = page.getByTestId('heatmap-canvas');
  const tooltip = page.getByTestId('heatmap-tooltip');
  await canvas.focus();
  await canvas.press('Escape');
  await canvas.press('End');
  for (let down = 0; down < row; down += 1) await canvas.press('ArrowDown');
  const wanted = `${timeOfDay(start)}–`;
  for (let left = 0; !(await tooltip.innerText()).includes(wanted); left += 1) {
    if (left === 40) throw new Error(`No column begins at ${wanted}`);
    await canvas.press('ArrowLeft');
  }
  // The tooltip hangs from the middle of its cell's lower edge.
  return tooltip.evaluate(async (element: HTMLElement) => {
    // Where columns slide, the tooltip moves at once, and the canvas is painted in the next frame.
    const frame = () => new Promise(requestAnimationFrame);
    for (let placed = ''; placed !== element.style.cssText; ) {
      placed = element.style.cssText;
      await frame();
      await frame();
    }
    const canvas = document.querySelector('canvas')!;
    const [x, y] = [Number.parseFloat(element.style.left), Number.parseFloat(element.style.top) - 4];
    const at = (css: number) => Math.round(css * devicePixelRatio);
    return [...canvas.getContext('2d')!.getImageData(at(x), at(y), 1, 1).data] as Colour;
  });
}

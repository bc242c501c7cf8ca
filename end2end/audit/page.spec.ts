// The figures that the page is held to, on the release build. AUDIT_SECONDS (default 60) is how long 200 nodes are watched;
// the figure for memory means something from 600 on.

import { Agent, get } from 'node:http';
import { chromium as browsers } from '@playwright/test';
import lighthouse, { desktopConfig } from 'lighthouse';
import { chromium, chromiumArgs } from '../support/chromium.ts';
import { Crowd, nameOf, waves } from '../support/crowd.ts';
import { openLiveMap, state } from '../support/map.ts';
import { freePorts } from '../support/ports.ts';
import { expect, type Mesh, type Node, test, until } from '../support/test.ts';
import { conclude, note } from './figures.ts';

const SECONDS = Number(process.env.AUDIT_SECONDS ?? 60);
const NODES = 200;
const UPDATES = 20;

test.describe.configure({ mode: 'serial' });
test.use({ meshNames: ['alpha'], meshEnv: { FEDERATED_UNSIGNED: 'accept' } });

const map = (node: Node) => `${node.url}/federated/map`;
const median = (values: number[]) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** A node with so many others on its map. */
async function crowded(mesh: Mesh): Promise<{ node: Node; crowd: Crowd }> {
  const node = mesh.node('alpha');
  const crowd = await Crowd.join(node);
  await crowd.say(waves(NODES));
  await until('all are heard', async () => (await node.health()).events === NODES * 40, 60_000);
  return { node, crowd };
}

for (const form of ['desktop', 'mobile'] as const) {
  test(`Lighthouse, ${form}`, async ({ mesh }) => {
    const node = mesh.node('alpha');
    await node.post(waves(1).map(({ beauty, timestamp }) => ({ beauty, timestamp: timestamp - 1_000 })));
    const [port] = await freePorts(1);
    const browser = await browsers.launch({
      ...(chromium && { executablePath: chromium }),
      args: [...chromiumArgs, `--remote-debugging-port=${port}`],
    });
    try {
      const flags = { port: port!, onlyCategories: ['performance', 'accessibility', 'best-practices', 'seo'] };
      const result = await lighthouse(map(node), flags, form === 'desktop' ? desktopConfig : undefined);
      const categories = result!.lhr.categories;
      const least = { performance: 95, accessibility: 100, 'best-practices': 100, seo: 95 };
      for (const [name, asked] of Object.entries(least)) {
        note(`Lighthouse, ${form}: ${name}`, Math.round(100 * (categories[name]?.score ?? 0)), { least: asked });
      }
      const failed = Object.values(result!.lhr.audits).filter((audit) => audit.score !== null && audit.score < 0.9);
      console.log(failed.map((audit) => `${audit.id}: ${audit.displayValue ?? audit.title}`).join('\n'));
    } finally {
      await browser.close();
    }
  });
}

test('first paint, life, and what moves', async ({ mesh, browser }) => {
  const { node, crowd } = await crowded(mesh);
  const [painted, live]: [number[], number[]] = [[], []];
  let shifted = 0;
  for (let round = 0; round < 7; round++) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const page = await context.newPage();
    await page.addInitScript(() => {
      const seen = { shifted: 0, live: 0 };
      (globalThis as any).seen = seen;
      new PerformanceObserver((list) => list.getEntries().forEach((entry: any) => (seen.shifted += entry.value))).observe({
        type: 'layout-shift',
        buffered: true,
      });
      const watch = () => {
        if (document.querySelector('.state[data-mode="live"]')) seen.live = performance.now();
        else requestAnimationFrame(watch);
      };
      watch();
    });
    await page.goto(map(node));
    await expect(state(page)).toHaveAttribute('data-mode', 'live');
    const times = await page.evaluate(() => ({
      painted: performance.getEntriesByName('first-contentful-paint')[0]!.startTime,
      ...((globalThis as any).seen as { shifted: number; live: number }),
    }));
    painted.push(times.painted);
    live.push(times.live);
    shifted = Math.max(shifted, times.shifted);
    await context.close();
  }
  crowd.leave();
  note(`First paint with data, ${NODES} nodes, median of 7`, median(painted), { most: 200 }, ' ms');
  note(`Hydrated and live, ${NODES} nodes, median of 7`, median(live), { most: 800 }, ' ms');
  note('Cumulative layout shift', shifted, { most: 0.0001 });
});

test('200 nodes, 20 updates a second', async ({ mesh, page }) => {
  const { node, crowd } = await crowded(mesh);
  await page.addInitScript(() => {
    const seen = { frames: 0, paints: [] as number[], long: [] as number[], memory: undefined as WebAssembly.Memory | undefined };
    (globalThis as any).seen = seen;
    const ask = requestAnimationFrame.bind(globalThis);
    globalThis.requestAnimationFrame = (callback) =>
      ask((time) => {
        const began = performance.now();
        callback(time);
        seen.paints.push(performance.now() - began);
      });
    const count = () => {
      seen.frames += 1;
      ask(count);
    };
    ask(count);
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => seen.long.push(entry.duration))).observe({
      type: 'longtask',
    });
    const instantiate = WebAssembly.instantiateStreaming;
    WebAssembly.instantiateStreaming = async (source, imports) => {
      const made = await instantiate(source, imports);
      seen.memory = made.instance.exports['memory'] as WebAssembly.Memory;
      return made;
    };
  });
  await openLiveMap(page, node);
  // What the beginning costs is another figure.
  await page.waitForTimeout(5_000);
  const client = await page.context().newCDPSession(page);
  const memory = async () => {
    await client.send('HeapProfiler.collectGarbage');
    const script = (await client.send('Runtime.getHeapUsage')).usedSize;
    return script + (await page.evaluate(() => (globalThis as any).seen.memory.buffer.byteLength as number));
  };
  const before = await memory();
  const began = await page.evaluate(() => {
    const { seen } = globalThis as any;
    [seen.frames, seen.paints.length, seen.long.length] = [0, 0, 0];
    return performance.now();
  });
  const ends = Date.now() + SECONDS * 1_000;
  for (let round = 0; Date.now() < ends; round++) {
    const events = Array.from({ length: NODES / UPDATES }, (_, i) => ({
      node_id: nameOf((round * (NODES / UPDATES) + i) % NODES),
      timestamp: Date.now(),
      beauty: 0.5 + 0.4 * Math.sin(round / 40 + i),
    }));
    await crowd.say(events);
    await page.waitForTimeout(1_000 / UPDATES);
  }
  const { frames, paints, long, ended } = await page.evaluate(() => ({ ...(globalThis as any).seen, memory: 0, ended: performance.now() }));
  crowd.leave();
  note('Frames a second', (1_000 * frames) / (ended - began), { least: 59 });
  note('A paint, 99 of 100', [...paints].sort((a: number, b: number) => a - b)[Math.floor(paints.length * 0.99)] ?? 0, { most: 4 }, ' ms');
  note('The longest task over 50 ms', Math.max(0, ...long), { most: 50 }, ' ms');
  note(`Memory after ${SECONDS} s, against before`, (100 * (await memory())) / before, { most: 110 }, ' %');
});

test('pages a second', async ({ mesh }) => {
  const { node, crowd } = await crowded(mesh);
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const ask = (path: string) =>
    new Promise<number>((resolve, reject) => {
      const request = get(`${node.url}${path}`, { agent }, (answer) => {
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => (bytes += chunk.length)).on('end', () => resolve(answer.statusCode === 200 ? bytes : 0));
      });
      request.on('error', reject);
    });
  const rate = async (path: (n: number) => string) => {
    let pages = 0;
    const began = Date.now();
    const reader = async () => {
      while (Date.now() < began + 5_000) {
        // An address is told to wait when it asks too often, and those answers are no pages.
        if ((await ask(path(pages))) > 100_000) pages += 1;
      }
    };
    await Promise.all(Array.from({ length: 8 }, reader));
    return (1_000 * pages) / (Date.now() - began);
  };
  note(`Pages a second, ${NODES} nodes`, await rate(() => '/federated/map'), { least: 300 });
  // Each a page of its own, so that none is kept: what rendering costs.
  console.log(`rendered anew: ${(await rate((n) => `/federated/map?x=${n}-${Math.random()}`)).toFixed(0)} pages a second`);
  crowd.leave();
});

test.afterAll(() => {
  const short = conclude();
  expect(short).toEqual([]);
});

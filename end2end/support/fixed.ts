// A source for the page that is always the same: what a node tells, at a moment that stands still, in a font that comes along. What
// is drawn of it differs from machine to machine by the edges of letters alone.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from '@playwright/test';
import type { Node } from './node.ts';

/** The moment. */
export const NOW = Date.UTC(2026, 0, 2, 12, 0, 5);
const COLUMNS = 40;
const WIDTH = 10_000;

export interface State {
  /** The names of the nodes that have events. */
  nodes: string[];
  /** Those of them that are linked. */
  peers: string[];
  /** Those of them whose link has been silent for a while. */
  silent?: string[];
  /** How the node itself is. */
  status?: string;
}

const hex = (length: number, seed: number) =>
  Array.from({ length }, (_, i) => ((seed + i * i * 7 + (i >> 2)) % 16).toString(16)).join('');

/** For so long. */
const SILENCE = 75_000;

/** A wave for each node, with a gap where it was away. */
function score(node: number, column: number): number | null {
  if ((column + 3 * node) % 17 === 4) return null;
  return Math.min(1, Math.max(0, 0.55 + 0.35 * Math.sin(column / 6 + node) + 0.1 * Math.sin(column * 12.9 + node * 78.2)));
}

/** The deviation of scores, as a share of the most that there can be. */
function chaosOf(scores: number[], mean: number): number {
  return Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length) / 0.5;
}

function heatmap(names: string[], silent: string[]) {
  const told = (node: number, column: number) => (silent.includes(names[node]!) && column >= COLUMNS - SILENCE / WIDTH ? null : score(node, column));
  const first = NOW - (NOW % WIDTH) - (COLUMNS - 1) * WIDTH;
  const columns = Array.from({ length: COLUMNS }, (_, column) => column);
  const buckets = columns.map((column) => {
    const scores = names.map((_, node) => told(node, column)).filter((value) => value !== null);
    const avg = scores.length ? scores.reduce((sum, value) => sum + value) / scores.length : null;
    const histogram = Array.from({ length: 20 }, (_, bin) => scores.filter((value) => Math.min(19, Math.floor(value * 20)) === bin).length);
    const [min, max] = scores.length ? [Math.min(...scores), Math.max(...scores)] : [null, null];
    return { start: first + column * WIDTH, count: scores.length, avg, min, max, chaos: avg === null ? null : chaosOf(scores, avg), histogram };
  });
  const nodes = names.map((node_id, node) => {
    const avg = columns.map((column) => told(node, column));
    const last = avg.findLastIndex((value) => value !== null);
    const newest = last < 0 ? null : first + last * WIDTH;
    return { node_id, avg, chaos: avg.map((value) => (value === null ? null : 0)), count: avg.map((value) => Number(value !== null)), newest };
  });
  return { resolution_seconds: 10, buckets, nodes, nodes_total: names.length, digest: hex(64, 3), digest_from: NOW - 7 * 86_400_000 };
}

function peer(node_id: string, i: number, silent: string[]) {
  return {
    node_id, public_key: hex(64, i), address: `ws://${node_id}.example:8091`, direction: i % 2 ? 'inbound' : 'outbound', state: 'connected',
    dialect: 'v2', since: NOW - 3_600_000 * (i + 1), rtt_ms: 3.5 * (i + 1) ** 2, sent: 4_321 * (i + 1), received: 1_234 * (i + 1), refused: 0,
    score: 0, learned: 250, duplicates: 5 * i, redundancy: 0.02 * i, in_sync: i !== 2, events: 118 + i, signs_twice: false, last_seen: NOW - (silent.includes(node_id) ? SILENCE : 1_000),
  };
}

/** How the numbers went: every event came in its time, and a peer after the other. */
function history(events: number, peers: number) {
  const series = (at: (share: number) => number) => Array.from({ length: COLUMNS }, (_, column) => Math.round(at((column + 1) / COLUMNS)));
  const seen = series((share) => events * share);
  return { events: seen, gossip_seen: seen, gossip_propagated: seen.map((number) => 3 * number), peers: series((share) => Math.min(peers, 2 * peers * share)) };
}

/** All that the page shows. */
function snapshot({ nodes, peers, silent = [], status = 'ok' }: State) {
  const map = heatmap(nodes, silent);
  const told = map.buckets.filter((bucket) => bucket.avg !== null);
  const events = told.reduce((sum, bucket) => sum + bucket.count, 0);
  const mean = (of: (bucket: (typeof told)[number]) => number) => (told.length ? told.reduce((sum, bucket) => sum + of(bucket), 0) / told.length : null);
  const known = { digest: map.digest, digest_from: map.digest_from };
  return {
    type: 'snapshot', run: 1, seq: 1, heatmap: map,
    health: {
      ...known, status, mesh: 'beauty', node_id: 'alpha', public_key: hex(64, 9), version: '0.1.0', uptime_seconds: 97_200, now: NOW,
      clock_ahead_ms: 0, peers: peers.length, beauty_avg: mean((bucket) => bucket.avg!), beauty_min: told.length ? 0.11 : null,
      beauty_max: told.length ? 0.98 : null, chaos: mean((bucket) => bucket.chaos!), window_seconds: 400, events, gossip_seen: events,
      gossip_propagated: 3 * events, nodes: nodes.length, conflicts: [], signs_twice: false,
    },
    network: { node_id: 'alpha', peers: peers.map((name, i) => peer(name, i, silent)), gone: [], banned: [], turned_away: [], cheats: [], places: [], vouched: [] },
    history: { resolution_seconds: 10, newest: map.buckets.at(-1)!.start, ...history(events, peers.length) },
    gossip: { seen: events, propagated: 3 * events, total: 2 * events, duplicates: 12, redundancy: 0.05, rejected: {} },
  };
}

const font = (weight: number) => {
  const file = createRequire(import.meta.url).resolve(`@fontsource/roboto/files/roboto-latin-${weight}-normal.woff2`);
  return `@font-face { font-family: Fixed; font-weight: ${weight}; src: url(data:font/woff2;base64,${readFileSync(file).toString('base64')}); }`;
};

/** Opens the page of a node, which shows this state and nothing of its own. The page must bypass the policy for the font. */
export async function openFixed(page: Page, node: Node, query: string, state: State): Promise<void> {
  const told = JSON.stringify(snapshot(state));
  const likeness = { digest: hex(64, 3), mean: state.nodes.length ? 560_000 : null, chaos: 300_000, spread: 60_000, trend: 10_000 };
  await page.clock.setFixedTime(NOW);
  // Canvases that nobody sees have a font as well: the last that any was told.
  await page.addInitScript(() => {
    const context = CanvasRenderingContext2D.prototype;
    const { get, set } = Object.getOwnPropertyDescriptor(context, 'font')!;
    const told = function (this: CanvasRenderingContext2D, font: string): void {
      (globalThis as any).paintedIn = font;
      set!.call(this, font);
    };
    Object.defineProperty(context, 'font', { get, set: told });
  });
  await page.route('**/federated/portrait', (route) => route.fulfill({ json: likeness }));
  await page.routeWebSocket(/federated\/stream/, (socket) => socket.send(told));
  await page.goto(`${node.url}/federated/map${query}`);
  await page.addStyleTag({ content: `${font(400)}${font(700)}:root { --font: Fixed; --font-mono: Fixed; }` });
  await page.evaluate(() => Promise.all([400, 700].map((weight) => document.fonts.load(`${weight} 16px Fixed`))));
}

// What a reader downloads, and what has grown: the budget of the release build, in bytes as they are sent.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nodeBinary, repository } from '../support/binary.ts';
import { expect, test } from '../support/test.ts';
import { bytesByCrate } from '../support/wasm.ts';

/** By the end of the file's name, with brotli: what the program may have at most; what the others have, and 2 %. Others must not be there. */
const BUDGET: Record<string, number> = { '.wasm': 220_000, '.js': 4_650, '.css': 4_000, '.svg': 4_500 };

const folder = join(repository, 'target', 'site', 'pkg');
/** The program as the compiler left it, with the names of its functions. */
const named = join(repository, 'target', 'front', 'wasm32-unknown-unknown', 'wasm-release', 'frontend.wasm');
/** Bytes of code by crate when the budget was set. `SIZES=1` notes them anew. */
const noted = join(repository, 'end2end', 'sizes.json');

const sent = () => readdirSync(folder).filter((name) => !/\.(d\..*ts|br|gz)$/.test(name));

/** The crates that have grown most since the budget was set, in bytes of code before it is compressed. */
function grownCrates(): string[] {
  const before: Record<string, number> = JSON.parse(readFileSync(noted, 'utf8'));
  const growth = Object.entries(sizes()).map(([crate, bytes]) => [crate, bytes - (before[crate] ?? 0)] as const);
  const most = growth.filter(([, bytes]) => bytes > 0).sort((a, b) => b[1] - a[1]);
  return most.slice(0, 10).map(([crate, bytes]) => `${crate} has ${bytes} bytes of code more`);
}

function sizes(): Record<string, number> {
  const lock = readFileSync(join(repository, 'Cargo.lock'), 'utf8');
  const crates = [...lock.matchAll(/^name = "(.+)"$/gm)].map(([, name]) => name!.replaceAll('-', '_'));
  const found = bytesByCrate(named, new Set([...crates, 'core', 'alloc', 'std']));
  return Object.fromEntries([...found].sort((a, b) => b[1] - a[1]));
}

test.beforeEach(() => test.skip(!nodeBinary().includes('release'), 'the budget is that of the release build'));

test('no file of the page is larger than its budget', () => {
  if (process.env.SIZES === '1') writeFileSync(noted, `${JSON.stringify(sizes(), null, 2)}\n`);
  const grown = sent().flatMap((name) => {
    const [kind, most] = Object.entries(BUDGET).find(([end]) => name.endsWith(end)) ?? [name, 0];
    const bytes = readFileSync(join(folder, `${name}.br`)).length;
    return bytes > most ? [`${kind}: ${bytes} bytes with brotli, ${bytes - most} over its budget of ${most}`] : [];
  });
  expect(grown.length && existsSync(named) ? [...grown, ...grownCrates()] : grown).toEqual([]);
});

test('what has grown is told by its crate', () => {
  test.skip(!existsSync(named), 'the program was built elsewhere');
  const found = sizes();
  for (const crate of ['app', 'tachys', 'reactive_graph', 'core']) expect(found[crate]).toBeGreaterThan(10_000);
  expect(found['other'] ?? 0).toBeLessThan(Object.values(found).reduce((a, b) => a + b) / 10);
});

test.describe('a node', () => {
  test.use({ meshNames: ['alpha'] });

  test('sends each file as it was compressed when it was built, to be kept for ever', async ({ mesh }) => {
    for (const name of sent()) {
      for (const [encoding, end] of [['br', '.br'], ['gzip', '.gz'], ['identity', '']] as const) {
        const answer = await fetch(`${mesh.node('alpha').url}/pkg/${name}`, { headers: { 'accept-encoding': encoding } });
        expect(answer.headers.get('content-encoding') ?? 'identity', name).toBe(encoding);
        expect(answer.headers.get('content-length')).toBe(String(readFileSync(join(folder, name + end)).length));
        expect(answer.headers.get('vary')?.toLowerCase()).toContain('accept-encoding');
        expect(answer.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
        expect(answer.headers.get('content-type')).toMatch(/^(application\/wasm|image\/svg\+xml|text\/(javascript|css))/);
        expect(Buffer.from(await answer.arrayBuffer()).equals(readFileSync(join(folder, name)))).toBe(true);
      }
    }
  });
});

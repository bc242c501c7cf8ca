// What a reader downloads, and what has grown: the budget of the release build, in bytes as they are sent.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { expect, test } from '@playwright/test';
import { nodeBinary, repository } from '../support/binary.ts';

/** By the end of the file's name. A file that is not listed must not be there. The program has 369 kB now, and is to have 220. */
const BUDGET: Record<string, number> = { '.wasm': 372_000, '.js': 9_000, '.css': 8_000 };

test('no file of the page is larger than its budget', () => {
  test.skip(!nodeBinary().includes('release'), 'the budget is that of the release build');
  const folder = join(repository, 'target', 'site', 'pkg');
  const sent = readdirSync(folder).filter((name) => !/\.(d\..*ts|br|gz)$/.test(name));
  const grown = sent.flatMap((name) => {
    const [kind, most] = Object.entries(BUDGET).find(([end]) => name.endsWith(end)) ?? [name, 0];
    const bytes = brotliCompressSync(readFileSync(join(folder, name))).length;
    return bytes > most ? [`${kind}: ${bytes} bytes with brotli, ${bytes - most} over its budget of ${most}`] : [];
  });
  expect(grown).toEqual([]);
});

// Compresses the files of a folder, each beside itself: NAME.br and NAME.gz, as the node looks for them.
//
//     node scripts/compress.mjs FOLDER

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('Which folder? node scripts/compress.mjs FOLDER');
const files = readdirSync(folder);
const ours = (name) => /\.(br|gz)$/.test(name);

// Those of an older build would be sent in place of files that are there no more.
for (const name of files.filter(ours)) rmSync(join(folder, name));
for (const name of files.filter((name) => /\.(wasm|js|css|svg)$/.test(name))) {
  const bytes = readFileSync(join(folder, name));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  writeFileSync(join(folder, `${name}.br`), brotliCompressSync(bytes, { params }));
  writeFileSync(join(folder, `${name}.gz`), gzipSync(bytes, { level: 9 }));
}

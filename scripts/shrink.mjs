// Makes the page's program as small as it gets: optimises it once more, and gives what it imports short names.
//
//     node scripts/shrink.mjs FOLDER HASHES
//
// FOLDER has what cargo-leptos built, HASHES is its list of the names' hashes. What wasm-bindgen calls an import ends in 16 digits of a
// hash, in the program and in the script: that is a tenth of what the script has. Functions in the order of their names lie beside
// those that are made of the same code, which brotli likes. Both files are named anew by what is in them: browsers keep them for ever.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, hashes] = process.argv.slice(2);
if (!hashes) throw new Error('Which folder, and which list? node scripts/shrink.mjs FOLDER HASHES');
const only = (end) => {
  const [name, ...others] = readdirSync(folder).filter((name) => name.endsWith(end));
  if (!name || others.length) throw new Error(`${folder} must have one file *${end}`);
  return name;
};
const [program, script] = [only('.wasm'), only('.js')];

execFileSync('wasm-opt', ['-Oz', '--converge', '--reorder-functions-by-name', '--enable-bulk-memory', '--enable-nontrapping-float-to-int',
  join(folder, program), '-o', join(folder, program)], { stdio: 'inherit' });

/** A number as LEB128 has it. */
const leb = (number) => (number < 128 ? [number] : [(number & 127) | 128, ...leb(number >>> 7)]);

/** Short names for what a module imports: the module anew, and each name with what it is called now. */
function renamed(bytes) {
  let at = 8;
  const number = () => {
    for (let [value, shift] = [0, 0]; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  const skip = (length) => bytes.subarray(at, (at += length));
  const names = new Map();
  while (at < bytes.length) {
    const begins = at;
    const section = bytes[at++];
    const ends = number() + at;
    if (section !== 2) {
      at = ends;
      continue;
    }
    const count = number();
    const entries = [Buffer.from(leb(count))];
    for (let left = count; left > 0; left--) {
      const from = skip(number());
      const name = skip(number()).toString();
      // wasm-bindgen imports functions and nothing else.
      if (bytes[at++] !== 0) throw new Error(`${program} imports something that is no function`);
      const type = number();
      if (!names.has(name)) names.set(name, `_${names.size.toString(36)}`);
      const short = Buffer.from(names.get(name));
      entries.push(Buffer.from(leb(from.length)), from, Buffer.from(leb(short.length)), short, Buffer.from([0, ...leb(type)]));
    }
    const body = Buffer.concat(entries);
    return { names, bytes: Buffer.concat([bytes.subarray(0, begins), Buffer.from([2, ...leb(body.length)]), body, bytes.subarray(ends)]) };
  }
  throw new Error(`${program} imports nothing`);
}

const { names, bytes } = renamed(readFileSync(join(folder, program)));
let text = readFileSync(join(folder, script), 'utf8');
for (const [name, short] of names) {
  // Once, where the script hands it over: elsewhere it would be something else.
  const handed = text.split(`${name}:`);
  if (handed.length !== 2) throw new Error(`${script} has ${name}: ${handed.length - 1} times`);
  text = handed.join(`${short}:`);
}

const hash = (content) => createHash('sha256').update(content).digest('base64url').slice(0, 22);
const put = (name, content) => {
  const anew = name.replace(/\.[^.]+(\.\w+)$/, `.${hash(content)}$1`);
  writeFileSync(join(folder, name), content);
  renameSync(join(folder, name), join(folder, anew));
  return anew;
};
const shrunk = put(program, bytes);
const paired = put(script, text.replaceAll(program, shrunk));
const said = (name) => name.split('.').at(-2);
const list = readFileSync(hashes, 'utf8').replace(/^js: .*$/m, `js: ${said(paired)}`).replace(/^wasm: .*$/m, `wasm: ${said(shrunk)}`);
writeFileSync(hashes, list);

// Makes the page's program as small as it gets: optimises it once more, and gives what it imports short names.
//
//     node scripts/shrink.mjs FOLDER HASHES
//
// FOLDER has what cargo-leptos built, HASHES is its list of the names' hashes. What wasm-bindgen calls an import ends in 16 digits of a
// hash, in the program and in the script: that is a tenth of what the script has. Functions in the order of their code lie beside
// those that begin as they do, which brotli likes. Both files are named anew by what is in them: browsers keep them for ever.

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

const optimise = (...passes) => {
  const file = join(folder, program);
  execFileSync('wasm-opt', [...passes, '--enable-bulk-memory', '--enable-nontrapping-float-to-int', file, '-o', file], { stdio: 'inherit' });
  return readFileSync(file);
};

/** A number as LEB128 has it. */
const leb = (number) => (number < 128 ? [number] : [(number & 127) | 128, ...leb(number >>> 7)]);
/** A section of a module. */
const section = (kind, body) => Buffer.concat([Buffer.from([kind, ...leb(body.length)]), body]);
const [CUSTOM, IMPORT, CODE] = [0, 2, 10];

/** Reads a module piece by piece. */
class Reader {
  constructor(bytes, at = 0) {
    Object.assign(this, { bytes, at });
  }
  byte() {
    return this.bytes[this.at++];
  }
  number() {
    for (let [value, shift] = [0, 0]; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  }
  /** The bytes of what begins with its length. */
  piece() {
    const length = this.number();
    return this.bytes.subarray(this.at, (this.at += length));
  }
  /** So many of what can be read. */
  *several(read) {
    for (let left = this.number(); left > 0; left--) yield read();
  }
}

/** The sections of a module: of which kind, with which body. */
function sections(bytes) {
  const reader = new Reader(bytes, 8);
  const found = [];
  while (reader.at < bytes.length) found.push({ kind: reader.byte(), body: reader.piece() });
  return found;
}

const module = (bytes, parts) => Buffer.concat([bytes.subarray(0, 8), ...parts.map(({ kind, body }) => section(kind, body))]);

/** The imports of a module, which wasm-bindgen makes functions and nothing else: from where, the name, the type. */
function imports(body) {
  const reader = new Reader(body);
  return [...reader.several(() => {
    const [from, name] = [reader.piece(), reader.piece()];
    if (reader.byte() !== 0) throw new Error(`${program} imports something that is no function`);
    return { from, name: name.toString(), type: reader.number() };
  })];
}

/** A module without names, with each of its functions called by its place in the order of their code. */
function named(bytes) {
  const parts = sections(bytes);
  const body = (wanted) => parts.find(({ kind }) => kind === wanted).body;
  const reader = new Reader(body(CODE));
  const codes = [...reader.several(() => reader.piece())];
  const order = codes.map((_, index) => index).sort((one, other) => Buffer.compare(codes[one], codes[other]));
  const first = imports(body(IMPORT)).length;
  const entries = [];
  order.forEach((index, place) => {
    const name = Buffer.from(String(place).padStart(6, '0'));
    entries[index] = Buffer.from([...leb(first + index), ...leb(name.length), ...name]);
  });
  const names = section(1, Buffer.concat([Buffer.from(leb(entries.length)), ...entries]));
  return module(bytes, [...parts, { kind: CUSTOM, body: Buffer.concat([Buffer.from([4]), Buffer.from('name'), names]) }]);
}

/** Short names for what a module imports: the module anew, and each name with what it is called now. */
function renamed(bytes) {
  const names = new Map();
  const parts = sections(bytes).map(({ kind, body }) => {
    if (kind !== IMPORT) return { kind, body };
    const entries = imports(body).map(({ from, name, type }) => {
      if (!names.has(name)) names.set(name, `_${names.size.toString(36)}`);
      const short = Buffer.from(names.get(name));
      return Buffer.from([...leb(from.length), ...from, ...leb(short.length), ...short, 0, ...leb(type)]);
    });
    return { kind, body: Buffer.concat([Buffer.from(leb(entries.length)), ...entries]) };
  });
  return { names, bytes: module(bytes, parts) };
}

writeFileSync(join(folder, program), named(optimise('-Oz', '--converge')));
const { names, bytes } = renamed(optimise('--reorder-functions-by-name'));
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

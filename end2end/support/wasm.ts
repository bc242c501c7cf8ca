// Which crate a program's bytes come from: the code section of a WebAssembly module, by the names in its name section.

import { readFileSync } from 'node:fs';

/** Bytes of code by crate, of a module that still has its names. What has no crate's name counts as "other". */
export function bytesByCrate(file: string, crates: Set<string>): Map<string, number> {
  const bytes = readFileSync(file);
  let at = 8;
  const number = () => {
    let [value, shift] = [0, 0];
    for (;;) {
      const byte = bytes[at++]!;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
      shift += 7;
    }
  };
  const text = () => {
    const length = number();
    at += length;
    return bytes.toString('utf8', at - length, at);
  };
  let imported = 0;
  const sizes: number[] = [];
  const names = new Map<number, string>();
  while (at < bytes.length) {
    const section = bytes[at++]!;
    const end = number() + at;
    if (section === 2) {
      for (let left = number(); left > 0; left--) {
        text();
        text();
        // wasm-bindgen imports functions and nothing else.
        if (bytes[at++] !== 0) throw new Error(`${file} imports something that is no function`);
        number();
        imported += 1;
      }
    } else if (section === 10) {
      for (let left = number(); left > 0; left--) {
        const size = number();
        sizes.push(size);
        at += size;
      }
    } else if (section === 0 && text() === 'name') {
      while (at < end) {
        const kind = bytes[at++]!;
        const after = number() + at;
        if (kind === 1) for (let left = number(); left > 0; left--) names.set(number(), text());
        at = after;
      }
    }
    at = end;
  }
  const found = new Map<string, number>();
  // Mangled or not, a name has the crates of its types and functions in it, between digits or signs; the first one made it.
  const made = new RegExp(`(?<![a-z_])(${[...crates].join('|')})(?![a-z_])`);
  sizes.forEach((size, index) => {
    const name = names.get(index + imported) ?? '';
    // What wasm-bindgen reads to write its JavaScript, and leaves out.
    if (/describe/i.test(name)) return;
    const crate = made.exec(name)?.[1] ?? 'other';
    found.set(crate, (found.get(crate) ?? 0) + size);
  });
  return found;
}

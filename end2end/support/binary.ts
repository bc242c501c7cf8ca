// Which node: the one that target/site was built with. A page and a node of different builds ask for
// each other's files in vain.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where nodes run, so that they find Leptos.toml and target/site. */
export const repository = fileURLToPath(new URL('../..', import.meta.url));

/** BEAUTY_MESH_BIN, else the release build, else (under `cargo leptos end-to-end`) the debug build. */
export function nodeBinary(): string {
  const chosen = process.env.BEAUTY_MESH_BIN;
  if (chosen) return chosen;
  const built = ['release', 'debug'].map((profile) => join(repository, 'target', profile));
  const fitting = built.find((folder) => existsSync(join(folder, 'beauty-mesh')) && fitsTheSite(folder));
  if (!fitting) throw new Error('No node in target/ was built together with target/site. Run: make build');
  return join(fitting, 'beauty-mesh');
}

/** cargo-leptos writes the hashes in the site's file names into hash.txt beside the node. */
function fitsTheSite(folder: string): boolean {
  const hashes = join(folder, 'hash.txt');
  const site = join(repository, 'target', 'site', 'pkg');
  if (!existsSync(hashes) || !existsSync(site)) return false;
  const wasm = /^wasm: *(\S+)/m.exec(readFileSync(hashes, 'utf8'))?.[1];
  return wasm !== undefined && readdirSync(site).some((file) => file.includes(`.${wasm}.`));
}

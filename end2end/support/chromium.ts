// Which browser, and how it is started. scripts/setup.sh looks in the same places, in the same order.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

function onPath(program: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** The machine's own Chromium; undefined means the one that Playwright installs. */
export const chromium = process.env.CHROMIUM || onPath('chromium') || onPath('google-chrome');

/** No sandbox, because containers run tests as root; nothing that calls home, because some have no network. */
export const chromiumArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

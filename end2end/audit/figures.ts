// A table of what is asked and what was reached, headed by the machine.

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, type } from 'node:os';
import { join } from 'node:path';
import { repository } from '../support/binary.ts';

interface Figure {
  what: string;
  asked: string;
  reached: string;
  met: boolean;
}

const figures: Figure[] = [];

/** Notes a figure that must be at least, or at most, so much. */
export function note(what: string, reached: number, asked: { least?: number; most?: number }, unit = ''): void {
  const { least, most } = asked;
  const met = (least === undefined || reached >= least) && (most === undefined || reached <= most);
  const bound = least === undefined ? `<= ${most}` : `>= ${least}`;
  const shown = Number.isInteger(reached) ? String(reached) : reached.toFixed(reached < 0.01 ? 5 : reached < 10 ? 2 : 1);
  figures.push({ what, asked: `${bound}${unit}`, reached: `${shown}${unit}`, met });
}

/** Prints the table, and keeps it in target/audit.md. Returns what was not reached. */
export function conclude(): string[] {
  const [cpu] = cpus();
  const lines = [
    `${cpu?.model ?? 'an unknown processor'}, ${cpus().length} cores, ${type()} ${release()}, Node ${process.version}`,
    '',
    '| | asked | reached | |',
    '|---|---|---|---|',
    ...figures.map(({ what, asked, reached, met }) => `| ${what} | ${asked} | ${reached} | ${met ? '' : 'short'} |`),
  ];
  console.log(`\n${lines.join('\n')}\n`);
  mkdirSync(join(repository, 'target'), { recursive: true });
  writeFileSync(join(repository, 'target', 'audit.md'), `${lines.join('\n')}\n`);
  return figures.filter(({ met }) => !met).map(({ what, asked, reached }) => `${what}: ${reached}, asked ${asked}`);
}

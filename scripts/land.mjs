// Draws the land of the world as one small picture, from world-atlas (Natural Earth, 1:110 million), into a folder of the site.
//
//     node scripts/land.mjs FOLDER
//
// Degrees of longitude go along, degrees of latitude up, one of these as long as 1.22 of those: in app/src/map/world.rs nodes have
// their places by the same scale. The style sheet names the picture by a hash of what is in it, and browsers keep it for ever.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [folder] = process.argv.slice(2);
if (!folder) throw new Error('Which folder? node scripts/land.mjs FOLDER');
const root = new URL('..', import.meta.url);
const atlas = createRequire(new URL('end2end/', root)).resolve('world-atlas/land-110m.json');
const { arcs, transform, objects } = JSON.parse(readFileSync(atlas, 'utf8'));

/** Half the width and half the height of the drawing. */
const [ACROSS, DOWN] = [640, 390];
/** How far a line may be from where it was, and how small land may be to be left out, in both directions together. */
const [OFF, SMALLEST] = [0.8, 4];

/** The points of an arc: each is given by its distance from the one before (TopoJSON 2.1.3). */
const lines = arcs.map((arc) => {
  let [x, y] = [0, 0];
  return arc.map(([dx, dy]) => {
    [x, y] = [x + dx, y + dy];
    const [longitude, latitude] = [x, y].map((at, axis) => at * transform.scale[axis] + transform.translate[axis]);
    return [(longitude / 180) * ACROSS, (-latitude / 90) * DOWN];
  });
});

/** A ring is arcs one after the other, backwards where the number is one's complement. */
const ring = (numbers) => numbers.flatMap((number) => (number < 0 ? [...lines[~number]].reverse() : lines[number]));

/**
 * Rings know no edge of the map: where one leaves it on a side, it comes back on the other. So it goes on beyond the edge, and stands
 * there once more, as far to the other side as the map is wide. One that goes around the world has a pole in it: it is closed along that.
 */
function uncut(points) {
  let turns = 0;
  const unrolled = points.map(([x, y], at) => {
    const step = at ? x - points[at - 1][0] : 0;
    turns -= Math.abs(step) > ACROSS ? Math.sign(step) : 0;
    return [x + 2 * ACROSS * turns, y];
  });
  if (turns) {
    const [first, last] = [unrolled[0], unrolled.at(-1)];
    const pole = Math.sign(first[1]) * DOWN;
    unrolled.push([last[0], pole], [first[0], pole], first);
  }
  const beyond = unrolled.some(([x]) => x > ACROSS) ? [-1] : unrolled.some(([x]) => x < -ACROSS) ? [1] : [];
  return [0, ...beyond].map((turn) => unrolled.map(([x, y]) => [x + 2 * ACROSS * turn, y]));
}

/** Leaves out points that hardly change the line (Ramer, Douglas, Peucker). */
function simplified(points) {
  if (points.length < 3) return points;
  const [from, to] = [points[0], points.at(-1)];
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy);
  const off = ([x, y]) => (length ? Math.abs((x - from[0]) * dy - (y - from[1]) * dx) / length : Math.hypot(x - from[0], y - from[1]));
  const far = points.reduce((far, point, at) => (off(point) > off(points[far]) ? at : far), 0);
  if (off(points[far]) <= OFF) return [from, to];
  return [...simplified(points.slice(0, far + 1)).slice(0, -1), ...simplified(points.slice(far))];
}

/** A ring as a path: whole units, each point by its distance from the one before. */
function path(points) {
  const whole = simplified(points).map((point) => point.map(Math.round));
  const steps = whole.slice(1, -1).map(([x, y], at) => [x - whole[at][0], y - whole[at][1]]);
  const numbers = steps.filter(([x, y]) => x || y).flat();
  return `M${whole[0].join(' ')}l${numbers.join(' ')}z`.replaceAll(' -', '-');
}

const size = (points, axis) => Math.max(...points.map((point) => point[axis])) - Math.min(...points.map((point) => point[axis]));
const polygons = objects.land.geometries.flatMap(({ arcs }) => arcs);
const rings = polygons.flat().map(ring).flatMap(uncut).filter((points) => size(points, 0) + size(points, 1) > SMALLEST);
const land = rings.map(path).join('');
const view = `${-ACROSS} ${-DOWN} ${2 * ACROSS} ${2 * DOWN}`;
const picture = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${view}" preserveAspectRatio="none"><path d="${land}"/></svg>\n`;

const name = `land.${createHash('sha256').update(picture).digest('hex').slice(0, 16)}.svg`;
if (!readFileSync(new URL('style/_world.scss', root), 'utf8').includes(`/pkg/${name}`)) {
  throw new Error(`The picture of the land has changed: style/_world.scss must name it /pkg/${name}`);
}
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, name), picture);

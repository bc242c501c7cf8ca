// Many nodes by one connection: a script that speaks the readable dialect, and names whom it speaks for. The node that it speaks
// to must have been started with FEDERATED_UNSIGNED=accept.

import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Node } from './node.ts';

export interface Said {
  node_id: string;
  timestamp: number;
  beauty: number;
}

export class Crowd {
  readonly #socket: Socket;

  private constructor(socket: Socket, come: Buffer) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    let rest: Buffer = this.#answer(come);
    socket.on('data', (chunk: Buffer) => (rest = this.#answer(Buffer.concat([rest, chunk]))));
  }

  /** Answers pings, as each end of a WebSocket must; what else the node says is not for us. Gives what is no whole frame yet. */
  #answer(bytes: Buffer): Buffer {
    while (bytes.length >= 2) {
      const short = bytes[1]! & 127;
      const head = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (bytes.length < head) break;
      const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
      if (bytes.length < head + length) break;
      const payload = bytes.subarray(head, head + length);
      // A mask of zeros leaves the payload as it is.
      if ((bytes[0]! & 15) === 9) this.#socket.write(Buffer.concat([Buffer.from([0x8a, 0x80 | length, 0, 0, 0, 0]), payload]));
      bytes = bytes.subarray(head + length);
    }
    return bytes;
  }

  /** Connects to a node's port for peers (RFC 6455). */
  static async join(node: Node): Promise<Crowd> {
    const socket = connect(node.p2pPort, '127.0.0.1');
    await once(socket, 'connect');
    const key = randomBytes(16).toString('base64');
    socket.write(
      `GET / HTTP/1.1\r\nHost: 127.0.0.1:${node.p2pPort}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
    const [answer] = (await once(socket, 'data')) as [Buffer];
    if (!String(answer).startsWith('HTTP/1.1 101')) throw new Error(`The node refused a script: ${answer}`);
    // A frame may have come along.
    return new Crowd(socket, answer.subarray(answer.indexOf('\r\n\r\n') + 4));
  }

  /** Tells of events, each in a frame of its own, masked as a client's are. */
  async say(events: Said[]): Promise<void> {
    const frames = events.map((event) => {
      const text = Buffer.from(
        JSON.stringify({
          type: 'gossip',
          subtype: 'beauty_event',
          ttl: 1,
          event: { event_id: randomUUID(), source: 'crowd', ...event },
        }),
      );
      const mask = randomBytes(4);
      const head = Buffer.from([0x81, 0x80 | 126, text.length >> 8, text.length & 255]);
      return Buffer.concat([head, mask, text.map((byte, i) => byte ^ mask[i % 4]!)]);
    });
    if (this.#socket.destroyed) throw new Error('The node has closed the connection of the crowd');
    if (!this.#socket.write(Buffer.concat(frames))) await Promise.race([once(this.#socket, 'drain'), once(this.#socket, 'close')]);
  }

  leave(): void {
    this.#socket.destroy();
  }
}

/** A name for each of a crowd. */
export const nameOf = (i: number) => `node-${String(i).padStart(3, '0')}`;

/** An event of each of so many nodes in each of the last 40 buckets: waves that run through the crowd. */
export function waves(count: number, now = Date.now()): Said[] {
  return Array.from({ length: 40 }, (_, bucket) => bucket).flatMap((bucket) =>
    Array.from({ length: count }, (_, i) => ({
      node_id: nameOf(i),
      timestamp: now - (39 - bucket) * 10_000,
      beauty: Math.min(1, Math.max(0, 0.55 + 0.35 * Math.sin(bucket / 6 + i / 9) + 0.1 * Math.sin(bucket * 12.9 + i * 78.2))),
    })),
  );
}

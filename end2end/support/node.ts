// One real node: a process, its two ports, its data folder, and what it says over HTTP.

import { type ChildProcess, spawn } from 'node:child_process';
import { nodeBinary, repository } from './binary.ts';
import { Final, until } from './until.ts';

const STARTS_WITHIN_MS = 20_000;
const ENDS_WITHIN_MS = 10_000;
const ANSWERS_WITHIN_MS = 10_000;
const KEPT_LOG_CHARS = 1_000_000;

export type Env = Record<string, string>;

/** What POST /federated/events takes. */
export interface BeautyEvent {
  beauty: number;
  /** Milliseconds since the epoch, or RFC 3339; the node's own clock where absent. */
  timestamp?: number | string;
  source?: string;
}

/** The part of GET /federated/health that tests ask for; the rest is there too. */
export interface Health {
  status: string;
  node_id: string;
  peers: number;
  events: number;
  beauty_avg: number | null;
  digest: string;
  [more: string]: unknown;
}

/** As GET answers: tests pick what they need. */
export type Json = any;

export interface Place {
  httpPort: number;
  p2pPort: number;
  dataDir: string;
}

export class Node {
  readonly name: string;
  readonly httpPort: number;
  readonly p2pPort: number;
  readonly dataDir: string;
  /** Where its HTTP face is, without a slash at the end. */
  readonly url: string;
  readonly #env: Env;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #log = '';

  constructor(name: string, place: Place, env: Env) {
    this.name = name;
    this.httpPort = place.httpPort;
    this.p2pPort = place.p2pPort;
    this.dataDir = place.dataDir;
    this.url = `http://127.0.0.1:${place.httpPort}`;
    this.#env = {
      FEDERATED_ENABLE: '1',
      FEDERATED_NODE_ID: name,
      FEDERATED_PORT: String(place.p2pPort),
      FEDERATED_DATA_DIR: place.dataDir,
      LEPTOS_SITE_ADDR: `127.0.0.1:${place.httpPort}`,
      ...env,
    };
  }

  /** Everything that the node wrote, over all its lives. */
  get log(): string {
    return this.#log;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** Starts the node on its ports and its data, and waits until it answers. Starting it twice is an error. */
  async start(): Promise<void> {
    if (this.#child) throw new Error(`${this.name} is running`);
    const child = spawn(nodeBinary(), ['serve'], {
      cwd: repository,
      env: { ...inherited(), ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    const keep = (text: string) => (this.#log = (this.#log + text).slice(-KEPT_LOG_CHARS));
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    // Should the test runner end in the middle, its nodes end with it.
    const endWithUs = () => child.kill('SIGKILL');
    process.once('exit', endWithUs);
    this.#ended = new Promise((resolve) => {
      const ended = (how: string) => {
        keep(`[${this.name} ${how}]\n`);
        process.off('exit', endWithUs);
        if (this.#child === child) this.#child = undefined;
        resolve();
      };
      child.once('error', (error) => ended(`could not be started: ${error.message}`));
      child.once('close', (code, signal) => ended(`ended with ${signal ?? `code ${code}`}`));
    });
    await until(`${this.name} answers ${this.url}/healthz`, () => this.#answers(), STARTS_WITHIN_MS).catch(
      async (error) => {
        await this.stop('SIGKILL');
        throw new Error(`${error.message}\n${this.log.slice(-4_000)}`, { cause: error });
      },
    );
  }

  async #answers(): Promise<boolean> {
    if (!this.#child) throw new Final(`${this.name} ended while it started. Its log:`);
    return (await this.get('/healthz')).ok;
  }

  /** Ends the node and waits until it has; one that doesn't end in time is killed, and that is an error. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (!child) return;
    child.kill(signal);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, ENDS_WITHIN_MS);
    await this.#ended;
    clearTimeout(timer);
    if (late) throw new Error(`${this.name} did not end within ${ENDS_WITHIN_MS} ms of ${signal}`);
  }

  /** The answer as it is, whatever its status. */
  get(path: string): Promise<Response> {
    return fetch(this.url + path, { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) });
  }

  /** One event or a list; returns what the node answered. A refusal is an error that quotes it. */
  async post(events: BeautyEvent | BeautyEvent[]): Promise<Json> {
    return this.#json(
      await fetch(`${this.url}/federated/events`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(events),
        signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
      }),
    );
  }

  async health(): Promise<Health> {
    return this.#json(await this.get('/federated/health'));
  }

  async network(): Promise<Json> {
    return this.#json(await this.get('/federated/network'));
  }

  /** heatmap({ buckets: 40, resolution: '10s' }); without a query, the node's defaults. */
  async heatmap(query: Record<string, string | number> = {}): Promise<Json> {
    const asked = new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value)]));
    return this.#json(await this.get(`/federated/heatmap${asked.size ? `?${asked}` : ''}`));
  }

  /** Equal on two nodes exactly where they hold the same events. */
  async digest(): Promise<string> {
    return (await this.health()).digest;
  }

  async #json(answer: Response): Promise<Json> {
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${this.name} answered ${answer.url} with ${answer.status}: ${text}`);
    return JSON.parse(text);
  }
}

/** The tester's own settings must not reach a node: a test says all that its nodes are told. */
function inherited(): NodeJS.ProcessEnv {
  const ours = ([name]: [string, unknown]) => /^(FEDERATED|LEPTOS)_/.test(name) && name !== 'LEPTOS_OUTPUT_NAME';
  return Object.fromEntries(Object.entries(process.env).filter((entry) => !ours(entry)));
}

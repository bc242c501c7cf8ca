// Waiting: a question, asked until it is answered. Never a sleep that hopes.

const PAUSE_MS = 50;

/**
 * Asks until the answer is neither undefined nor false, and returns it. An error counts as "not yet";
 * when time is up, the last one is told.
 */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 20_000,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  let last: unknown;
  do {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      last = undefined;
    } catch (error) {
      if (error instanceof Final) throw error;
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  } while (Date.now() < deadline);
  throw new Error(`Not within ${withinMs} ms: ${what}${last ? ` (last: ${last})` : ''}`, { cause: last });
}

/** Thrown by a question that can no longer be answered with yes: it ends the waiting. */
export class Final extends Error {}

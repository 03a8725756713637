/** What the page asks the service. */

const PATIENCE_MS = 30_000;
const SILENT = "The service does not answer. Check that it is running, then try again.";
export const UNREADABLE = "The service answered with something that this page can’t read.";

/** What the service, or the way to it, has against a request; `status` is 0 where there was no answer. */
export class Problem extends Error {
  constructor(status, detail, errors = []) {
    super(detail);
    this.status = status;
    this.errors = errors;
  }
}

export const scoreUrl = (url) => ask("score_url", { url });

export const scorePull = (pull) => ask("score", { pull_requests: [pull] });

export const model = () => ask("model");

/** How a repository's past scored; null where that can't be had, for the rest of a result does without. */
export async function distribution(repository) {
  try {
    return await ask(`distribution?${new URLSearchParams({ repository })}`);
  } catch {
    return null;
  }
}

async function ask(path, body) {
  const answer = await sent(path, body);
  const content = await answer.json().catch(() => null);
  if (answer.ok && content !== null) {
    return content;
  }
  if (answer.ok) {
    throw new Problem(answer.status, UNREADABLE);
  }
  throw new Problem(answer.status, content?.detail || `The service answered ${answer.status}.`, content?.errors ?? []);
}

async function sent(path, body) {
  const post = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  try {
    return await fetch(path, { ...(body ? post : {}), signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    throw new Problem(0, SILENT);
  }
}

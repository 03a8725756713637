/** Requests to the service. */

const TIMEOUT_MS = 30_000;
const NO_RESPONSE = "The service does not respond. Check that it is running, then try again.";
export const UNREADABLE = "The service sent a response that this page can’t read.";

/** A failed request; `status` is 0 if there was no response. */
export class Problem extends Error {
  constructor(status, detail, errors = []) {
    super(detail);
    this.status = status;
    this.errors = errors;
  }
}

export const scoreUrl = (url) => request("score_url", { url });

export const scorePull = (pull) => request("score", { pull_requests: [pull] });

export const getModel = () => request("model");

/** Fetch the score distribution of a repository; null if that fails, as a result can be shown without it. */
export async function getDistribution(repository) {
  try {
    return await request(`distribution?${new URLSearchParams({ repository })}`);
  } catch {
    return null;
  }
}

/** Fetch what people said about the latest alerts of a repository; null if that fails. */
export async function getFeedback(repository) {
  try {
    return await request(`feedback?${new URLSearchParams({ repository })}`);
  } catch {
    return null;
  }
}

async function request(path, body) {
  const answer = await send(path, body);
  const content = await answer.json().catch(() => null);
  if (answer.ok && content !== null) {
    return content;
  }
  if (answer.ok) {
    throw new Problem(answer.status, UNREADABLE);
  }
  throw new Problem(answer.status, content?.detail || `The service responded with status ${answer.status}.`, content?.errors ?? []);
}

async function send(path, body) {
  const post = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  try {
    return await fetch(path, { ...(body ? post : {}), signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    throw new Problem(0, NO_RESPONSE);
  }
}

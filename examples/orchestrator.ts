// An orchestrator in small, the mirror of orchestrator.py: submit a proposal, be called back at its end, verify the
// call, fetch what was made. When no call comes, it asks.
//
//     node examples/orchestrator.ts --url http://127.0.0.1:8000 --secret "$(proposals callback-secret 127.0.0.1)"
//
// Node.js from 22.18 on runs this file as it is. For an older one, from 20 on: npx tsx examples/orchestrator.ts ...
// Where the service asks for a bearer token, it is taken from PROPOSALS_TOKEN. A real receiver listens on https; this
// one is called at 127.0.0.1 by http, which PROPOSAL_CALLBACK_ALLOWED_HOSTS must allow.

import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

const MAX_BODY_BYTES = 64 * 1024;
const TOLERANCE_SECONDS = 300;
const HELD_SECONDS = 30; // how long the service may hold the answer to one question
const REPEATABLE = new Set([408, 429, 500, 502, 503, 504]);
const TRIES = 8;

/** What a callback says; the members that this program uses. */
interface CallbackEvent {
  type: "proposal.operation.succeeded" | "proposal.operation.failed";
  timestamp: string;
  data: { operation_id: string };
}

interface Operation {
  operation_id: string;
  status: "PENDING" | "RUNNING" | "SUCCEEDED" | "FAILED";
  proposal_id: string | null;
  version_no: number | null;
  error: { problem: string; message: string } | null;
  result?: { version: { status_at_creation: string; artifact_hash: string } } | null;
}

interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/** An error that the user can do something about: its message is all that is printed. */
class Failure extends Error {}

function keysOf(secrets: string): Buffer[] {
  const given = secrets.split(/\s+/).filter(Boolean);
  const keys = given.map((secret) => Buffer.from(secret.replace(/^whsec_/, ""), "base64"));
  if (keys.length === 0 || keys.some((key) => key.length === 0)) {
    throw new Failure("the secret is missing or not whsec_ and base64"); // with an empty key anyone could sign
  }
  return keys;
}

/** Why this call is not from the service or not from now; null for a call to take. */
function refusal(keys: Buffer[], headers: IncomingHttpHeaders, body: Buffer): string | null {
  const [id, timestamp, signatures] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map((name) =>
    String(headers[name] ?? ""),
  ) as [string, string, string];
  if (!id || !/^[0-9]{1,12}$/.test(timestamp)) return "webhook-id or webhook-timestamp is missing";
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return "the timestamp is not of now";
  const comparisons = keys.flatMap((key) => {
    const digest = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(body).digest("base64");
    const expected = Buffer.from(`v1,${digest}`);
    return signatures.split(" ").map((signature) => {
      const given = Buffer.from(signature);
      return given.length === expected.length && timingSafeEqual(given, expected);
    });
  });
  return comparisons.includes(true) ? null : "no signature is of a secret that we have";
}

/** Takes calls, and keeps what they say by operation: a call may come before the service has answered the request. */
class Receiver {
  readonly server: Server;
  readonly #keys: Buffer[];
  readonly #events = new Map<string, CallbackEvent>();
  // A real receiver keeps these in a table with a unique key, for 35 days: a redelivery repeats the id.
  readonly #known = new Set<string>();
  readonly #taken = new EventEmitter();

  constructor(keys: Buffer[]) {
    this.#keys = keys;
    this.server = createServer((request, response) => {
      this.#statusFor(request).then(
        (status) => response.writeHead(status, { "Content-Length": 0, Connection: "close" }).end(),
        () => response.destroy(), // the caller hung up
      );
    });
    this.server.requestTimeout = 10_000;
  }

  async #statusFor(request: IncomingMessage): Promise<number> {
    if (request.method !== "POST") return 405;
    const length = request.headers["content-length"] ?? "";
    if (!/^[0-9]{1,9}$/.test(length) || Number(length) > MAX_BODY_BYTES) return 413;
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts); // verified as it came, before anything parses it
    const refused = refusal(this.#keys, request.headers, body);
    if (refused !== null) {
      console.error(`refused a call: ${refused}`);
      return 401;
    }
    const id = String(request.headers["webhook-id"]);
    if (this.#known.has(id)) {
      console.error(`seen before: ${id}`); // calls come at least once
      return 204;
    }
    const event = JSON.parse(body.toString()) as CallbackEvent;
    this.#known.add(id); // a real receiver stores the call before it responds, and works on it after
    this.#events.set(event.data.operation_id, event);
    this.#taken.emit("call");
    return 204;
  }

  /** The call about an operation, or null when none came in time. */
  async eventOf(operationId: string, seconds: number): Promise<CallbackEvent | null> {
    const signal = AbortSignal.timeout(seconds * 1000);
    while (!this.#events.has(operationId)) {
      try {
        await once(this.#taken, "call", { signal });
      } catch {
        break;
      }
    }
    return this.#events.get(operationId) ?? null;
  }
}

/** The service; every request of it may be sent again, because reads change nothing and writes have their key. */
class Desk {
  readonly #base: string;
  readonly #headers: Record<string, string>;

  constructor(base: string, token: string | undefined) {
    this.#base = new URL("rebalance/proposals", base.endsWith("/") ? base : `${base}/`).href;
    this.#headers = token ? { Authorization: `Bearer ${token}` } : {};
  }

  async submit(body: unknown, key: string): Promise<Operation> {
    const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
    const answer = await this.#answer("/async", { method: "POST", headers, body: JSON.stringify(body) });
    return JSON.parse(answer.text) as Operation;
  }

  /** The operation once it has ended, which every operation does. */
  async ended(operationId: string): Promise<Operation> {
    for (;;) {
      const answer = await this.#answer(`/operations/${operationId}?wait=${HELD_SECONDS}`, {});
      const operation = JSON.parse(answer.text) as Operation;
      if (operation.status === "SUCCEEDED" || operation.status === "FAILED") return operation;
      await sleep(1000 * retryAfter(answer, 1));
    }
  }

  async #answer(path: string, init: RequestInit): Promise<Answer> {
    const headers = { ...(init.headers as Record<string, string>), ...this.#headers };
    for (let tries = 1; ; tries++) {
      const answer = await attempt(this.#base + path, { ...init, headers, redirect: "manual" });
      const isAnswer = typeof answer !== "string";
      if (isAnswer && !REPEATABLE.has(answer.status)) {
        if (answer.status >= 300) throw new Failure(problemOf(answer));
        return answer;
      }
      const why = isAnswer ? problemOf(answer) : answer;
      if (tries === TRIES) throw new Failure(`given up after ${TRIES} tries: ${why}`);
      const pause = Math.min(60, 2 ** (tries - 1)) * (1 + Math.random() / 5); // with jitter: not all callers at once
      const seconds = isAnswer ? retryAfter(answer, pause) : pause;
      console.error(`orchestrator: ${why}; the same request again in ${seconds.toFixed(1)} s`);
      await sleep(1000 * seconds);
    }
  }
}

/** The whole answer, or why there is none. */
async function attempt(url: string, init: RequestInit): Promise<Answer | string> {
  try {
    const answer = await fetch(url, { ...init, signal: AbortSignal.timeout(1000 * (HELD_SECONDS + 30)) });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  } catch (error) {
    return `no answer (${(error as Error).message})`;
  }
}

function retryAfter(answer: Answer, otherwise: number): number {
  const header = answer.headers.get("retry-after");
  return header !== null && /^[0-9]{1,5}$/.test(header) ? Number(header) : otherwise;
}

/** One line about an answer that is no success. */
function problemOf(answer: Answer): string {
  try {
    const { code, title } = JSON.parse(answer.text) as { code: string; title: string };
    return `${answer.status} ${code}: ${title}`;
  } catch {
    return `${answer.status}, by a proxy in between`;
  }
}

/** Print what came of the request; false when its operation FAILED. */
async function orchestrate(
  desk: Desk,
  receiver: Receiver,
  body: object,
  key: string,
  seconds: number,
): Promise<boolean> {
  const { port } = receiver.server.address() as AddressInfo;
  const callback = { url: `http://127.0.0.1:${port}/callbacks` };
  const submitted = await desk.submit({ ...body, callback }, key);
  console.log(`submitted ${submitted.operation_id}, waiting at ${callback.url}`);
  const event = await receiver.eventOf(submitted.operation_id, seconds);
  if (event === null) console.error(`orchestrator: no callback within ${seconds} s, asking instead`);
  else console.log(`verified ${event.type} of ${event.data.operation_id}, ended ${event.timestamp}`);
  const operation = await desk.ended(submitted.operation_id); // after a callback this is one read
  if (operation.error) {
    console.log(`  ${operation.error.problem}: ${operation.error.message}`);
    return false;
  }
  const version = operation.result?.version;
  console.log(`  proposal ${operation.proposal_id}, version ${operation.version_no}, ${version?.status_at_creation}`);
  console.log(`  artifact ${version?.artifact_hash}`);
  return true;
}

/** Exits 0 when the operation succeeded, 1 otherwise. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true, // a create request, by default create_proposal.json
    options: {
      url: { type: "string", default: process.env["PROPOSALS_URL"] ?? "http://127.0.0.1:8000" },
      secret: { type: "string" }, // whsec_..., several separated by white space; else read from stdin
      key: { type: "string" }, // the idempotency key: stored with the case in a real orchestrator, before it sends
      port: { type: "string", default: "0" }, // where to listen on 127.0.0.1; a free port by default
      timeout: { type: "string", default: "30" }, // seconds to wait for the callback
    },
  });
  const receiver = new Receiver(keysOf(values.secret ?? readFileSync(0, "utf8")));
  const desk = new Desk(values.url, process.env["PROPOSALS_TOKEN"]);
  const file = positionals[0] ?? new URL("create_proposal.json", import.meta.url);
  const body = JSON.parse(readFileSync(file, "utf8")) as object;
  await once(receiver.server.listen(Number(values.port), "127.0.0.1"), "listening");
  try {
    const succeeded = await orchestrate(desk, receiver, body, values.key ?? randomUUID(), Number(values.timeout));
    process.exitCode = succeeded ? 0 : 1;
  } finally {
    receiver.server.close();
    receiver.server.closeAllConnections();
  }
}

main().catch((failure: Error) => {
  console.error(`orchestrator: ${failure.message}`);
  process.exitCode = 1;
});

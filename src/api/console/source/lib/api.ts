// The API of the edge: who is asking, what was refused and at which field.

import type { Document } from "./document";

/** RFC 9457: why something was refused. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  errors?: FieldError[];
  current?: Document;
  /** Of a recording that cannot be heard here: why, what opens it, and where it is had. */
  state?: string;
  command?: string;
  download?: string;
}

export interface FieldError {
  pointer: string;
  detail: string;
  column?: number;
  allowed?: string;
}

export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title);
  }
  get status(): number {
    return this.problem.status;
  }
  /** The last word of the problem's type: `directory-in-file`. */
  get kind(): string {
    return this.problem.type.split("/").at(-1) ?? "";
  }
}

let csrf = "";
let signedOut: () => void = () => {};

export function setCsrf(token: string) {
  csrf = token;
}

export function onSignedOut(then: () => void) {
  signedOut = then;
}

interface Options {
  body?: unknown;
  /** Sent as it is: files, TOML. */
  raw?: BodyInit;
  contentType?: string;
  accept?: string;
  match?: string | number;
  signal?: AbortSignal;
}

export async function call(method: string, path: string, options: Options = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: options.accept ?? "application/json" };
  if (method !== "GET") headers["X-CSRF-Token"] = csrf;
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.contentType) headers["Content-Type"] = options.contentType;
  if (options.match !== undefined) headers["If-Match"] = `"${options.match}"`;
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body)),
      signal: options.signal,
      credentials: "same-origin",
    });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw new Refused({
      type: "/problems/unreachable",
      title: "The edge cannot be reached",
      status: 0,
      detail: "The edge cannot be reached. Is it still running?",
    });
  }
  if (response.ok) return response;
  const refused = new Refused(await problemOf(response));
  if (response.status === 401 && path !== "/v1/session") signedOut();
  throw refused;
}

async function problemOf(response: Response): Promise<Problem> {
  const bare = {
    type: "about:blank",
    title: response.statusText || `Status ${response.status}`,
    status: response.status,
  };
  try {
    return { ...bare, ...((await response.json()) as Partial<Problem>), status: response.status };
  } catch {
    return bare;
  }
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await call("GET", path, { signal })).json() as Promise<T>;
}

export async function send<T>(
  method: string,
  path: string,
  body?: unknown,
  match?: string | number,
): Promise<T> {
  const response = await call(method, path, { body, match });
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

/** Query parameters, without the empty ones. */
export function query(parameters: Record<string, string | number | undefined>): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== "") search.set(key, String(value));
  }
  const text = search.toString();
  return text ? `?${text}` : "";
}

export const segment = encodeURIComponent;

/** A file's path: slashes stay. */
export function filePath(file: string): string {
  return file.split("/").map(encodeURIComponent).join("/");
}
